"""All that is wrong with a definition is found at once, each thing where it is."""

from __future__ import annotations

from typing import Any

import pytest

from models.pipelines.content import CONTENT_TYPES, is_assignable
from models.pipelines.descriptors import Category, NodeDescriptor, Parameter, ParameterType, Port
from models.pipelines.examining import Examined, examine
from models.pipelines.graph import Branch, Mode
from tests.unit.models.pipelines.kinds import KINDS as ANY_KINDS

_PARAMETERS = (
    Parameter("count", ParameterType.INTEGER, "Count", 3, least=1, most=9),
    Parameter("share", ParameterType.NUMBER, "Share", 0.5, least=0, most=1),
    Parameter("mode", ParameterType.ENUM, "Mode", "A", values=("A", "B")),
    Parameter("set", ParameterType.ENUM_SET, "Set", [], values=("A", "B")),
    Parameter("text", ParameterType.STRING, "Text", ""),
    Parameter("flag", ParameterType.BOOLEAN, "Flag", default=False),
    Parameter("any", ParameterType.JSON, "Any"),
    Parameter("buckets", ParameterType.PORT_LIST, "Buckets", []),
)
OPTIONAL = NodeDescriptor(
    "buckets", "Buckets", Category.FILTER, inputs=(Port("media", "struct/json"),),
    outputs=(Port("other", "struct/json", is_selective=True), Port("passed", "control/filter")),
    own_parameters=_PARAMETERS, dynamic="buckets",
)  # fmt: skip
IMAGE = NodeDescriptor("image", "Image", Category.ANALYSIS, inputs=(Port("image", "media/image"),))
KINDS = {**ANY_KINDS, "buckets": OPTIONAL, "image": IMAGE}


def node(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, **more}


def edge(ends: str, **more: Any) -> dict[str, Any]:
    (source, _, source_port), (target, _, target_port) = (end.partition(".") for end in ends.split(" "))
    ports = {"sourcePort": source_port, "targetPort": target_port}
    return {"source": source, "target": target, **{key: port for key, port in ports.items() if port}, **more}


S = node("s", "source")


def found(nodes: Any, edges: Any = (), **more: Any) -> Examined:
    return examine({"nodes": nodes, "edges": list(edges) if isinstance(edges, tuple) else edges, **more}, KINDS)


def codes(examined: Examined) -> set[tuple[str, str | None]]:
    return {(problem.code, problem.node_id or problem.edge_id) for problem in examined.errors}


@pytest.mark.parametrize(
    ("nodes", "edges", "wrong"),
    [
        ({}, [], {("NODES_NOT_ARRAY", None)}),
        ([S], {}, {("EDGES_NOT_ARRAY", None)}),
        ([S, 1, {"type": "x"}, node("A", "x"), node("t", "")], [],
         {("NODE_NULL", None), ("NODE_ID_MISSING", None), ("NODE_ID_INVALID", None), ("NODE_TYPE_MISSING", "t"),
          ("UNREACHABLE", "t")}),
        ([S, node("p", "plain"), node("p", "gather"), node("q", "nothing")], [],
         {("NODE_ID_DUPLICATE", "p"), ("NODE_TYPE_UNKNOWN", "q"), ("UNREACHABLE", "p"), ("UNREACHABLE", "q")}),
        ([S], [1, {"source": "s"}, edge("s x"), edge("y s"), edge("s s", branch="NO"), edge("s s", id=5)],
         {("EDGE_NULL", "0"), ("EDGE_TARGET_MISSING", "s->None"), ("EDGE_TARGET_UNKNOWN", "s->x"),
          ("EDGE_SOURCE_UNKNOWN", "y->s"), ("BRANCH_UNKNOWN", "s->s"), ("EDGE_INVALID", "s->s")}),
        ([S, node("p", "plain"), node("q", "plain")], [edge("s p.a"), edge("p q.a"), edge("q p.b")],
         {("CYCLE", "p"), ("CYCLE", "q")}),
        ([node("p", "plain")], [], {("SOURCE_MISSING", None), ("INPUT_MISSING", "p")}),
        ([S, node("t", "source")], [], {("SOURCE_DUPLICATE", "t"), ("UNREACHABLE", "t")}),
        ([S, node("p", "plain")], [edge("s p.b")], {("INPUT_MISSING", "p")}),
        ([S, node("p", "plain")], [edge("s p.a"), edge("s p.a", id="e")],
         {("EDGE_DUPLICATE", "e"), ("INPUT_DUPLICATE", "p")}),
        ([S, node("p", "plain")], [edge("s.z p.a"), edge("s.x p.z")],
         {("PORT_UNKNOWN", "s->p"), ("INPUT_MISSING", "p")}),
        ([S, node("p", "plain")], [edge("s p")], {("PORT_AMBIGUOUS", "s->p"), ("INPUT_MISSING", "p")}),
        ([S, node("i", "image")], [edge("s i")], {("PORT_TYPE", "s->i"), ("INPUT_MISSING", "i")}),
        ([S, node("p", "plain")], [edge("s p.a", branch="PASS")],
         {("BRANCH_NOT_FILTER", "s->p"), ("INPUT_MISSING", "p")}),
        ([S, node("e", "either")], [edge("s e.one"), edge("s e.other")], {("GROUP", "e")}),
        ([S, node("e", "either"), node("r", "route")], [edge("s r"), edge("r e", branch="PASS")], {("GROUP", "e")}),
        ([S, node("m", "split"), node("n", "split")], [edge("s m"), edge("m n")], {("NESTED_FANOUT", "n")}),
        ([S, node("m", "split"), node("n", "split"), node("p", "plain")],
         [edge("s m"), edge("s n"), edge("m p.a"), edge("n p.b")], {("DRIVER_MISMATCH", "p")}),
        ([S, node("p", "plain", dependencies=["s"], blocking=1, options=[]) | {"name": 2}], [edge("s p.a")],
         {("NODE_DEPENDENCIES", "p"), ("NODE_INVALID", "p")}),
        ([S] * 501, [], {("TOO_MANY", None)}),
    ],
)  # fmt: skip
def test_errors(nodes: Any, edges: Any, wrong: set[Any]) -> None:
    examined = found(nodes, edges)
    assert codes(examined) == wrong
    assert examined.graph is None
    assert all(problem.message for problem in examined.errors)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"count": 0, "share": 2, "mode": "C", "set": ["C"], "flag": 1, "text": 5},
         ["count", "share", "mode", "set", "flag", "text"]),
        ({"count": True, "share": float("nan"), "mode": None, "set": "A", "what": 1, "text": "x" * 10_001},
         ["count", "share", "set", "what", "text"]),
        ({"buckets": [1, {"id": "A"}, {"id": "a", "match": 5}, {"id": "a"}, {"id": "passed"}, {"id": "b", "x": 1}]},
         ["buckets"] * 6),
        ({"buckets": 5}, ["buckets"]),
        ({"count": 1, "share": 1, "mode": "B", "set": ["A"], "flag": True, "text": "x", "any": [{}], "enabled": False},
         []),
    ],
)  # fmt: skip
def test_options(options: Any, wrong: list[str]) -> None:
    examined = found([S, node("b", "buckets", options=options)], [edge("s b")])
    assert [(problem.node_id, problem.option) for problem in examined.errors] == [("b", key) for key in wrong]


def test_a_graph_knows_its_order_its_ports_and_how_often_nodes_run() -> None:
    nodes = [
        node("g", "gather"), node("each", "plain"), node("m", "split"), node("b", "buckets", config={"buckets": [
            {"id": "big", "label": "Big", "match": ">1MB"}]}), S,
    ]  # fmt: skip
    edges = [
        edge("s b"), edge("b.big m"), edge("m each.a"), edge("b each", branch="PASS"), edge("s each.b"), edge("each g"),
    ]  # fmt: skip
    graph = found(nodes, edges).graph
    assert graph is not None
    assert list(graph.nodes) == ["s", "b", "m", "each", "g"]
    modes = {name: (each.mode, each.driver) for name, each in graph.nodes.items()}
    assert modes["each"] == (Mode.PER_ELEMENT, ("m", "many"))
    assert {name for name, (mode, _) in modes.items() if mode is Mode.PER_ELEMENT} == {"each"}
    assert (graph.nodes["b"].options["count"], graph.nodes["b"].outputs["big"].is_selective) == (3, True)
    wires = {each.id: (each.source_port, each.target_port, each.branch) for each in graph.edges}
    assert wires["b->m"] == ("big", "a", Branch.ANY)
    assert wires["b->each"] == ("", "", Branch.PASS), "it tells whether its target runs, no more"


def test_versions_of_the_format() -> None:
    for version, code in (
        (0, "VERSION_INVALID"),
        (True, "VERSION_INVALID"),
        ("1", "VERSION_INVALID"),
        (2, "VERSION_UNKNOWN"),
    ):
        assert {problem.code for problem in found([S], version=version).errors} == {code}
    assert found([S], version=1).graph is not None


def test_warnings() -> None:
    assert [each.code for each in examine({}, KINDS).warnings] == ["EMPTY_GRAPH"]
    examined = examine({"nodes": [S, node("p", "plain")], "edges": [edge("s p.a")]}, KINDS, available={"source"})
    assert [(each.code, each.node_id) for each in examined.warnings] == [("KIND_UNAVAILABLE", "p")]
    assert examined.graph is not None


@pytest.mark.parametrize(
    ("produced", "consumed", "fits"),
    [
        ("media/image", "media/image", True), ("media/image", "media/*", True), ("media/*", "media/image", True),
        ("media/image", "media/video", False), ("media/*", "text/*", False), ("media/new", "media/*", True),
    ],
)  # fmt: skip
def test_what_goes_into_what(produced: str, consumed: str, *, fits: bool) -> None:
    assert is_assignable(produced, consumed) is fits


def test_content_types_are_families_and_their_members() -> None:
    wildcards = [each.family for each in CONTENT_TYPES if each.is_wildcard]
    assert wildcards == ["media", "text", "detection", "hash", "scalar", "artifact", "struct", "control"]
    assert len({each.id for each in CONTENT_TYPES}) == len(CONTENT_TYPES)
