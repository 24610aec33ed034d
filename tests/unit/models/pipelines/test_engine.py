"""The engine does what the reference does, whatever the graph and whatever its nodes do."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.pipelines.engine import Execution, ItemState, item_state, run_item
from models.pipelines.examining import examine
from models.pipelines.graph import Graph
from models.pipelines.outcomes import NodeState, Outcome, completed, failed, skipped
from tests.unit.models.pipelines.kinds import KINDS
from tests.unit.models.pipelines.reference import Reference, Told

_INPUTS = {"plain": ["a", "b"], "split": ["a"], "gather": ["all", "all", "all"], "route": ["a"], "either": ["one"]}
_OUTPUTS = {"source": ["x"], "plain": ["x"], "split": ["many"], "gather": ["x"], "route": ["left", "right", "passed"],
            "either": ["x"]}  # fmt: skip


def _random_definition(chance: random.Random) -> dict[str, Any]:
    kinds = ["source", *chance.choices(list(_INPUTS), k=chance.randint(1, 9))]
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for place, kind in enumerate(kinds):
        node = {"id": f"n{place}", "type": kind, "blocking": chance.random() < 0.7}
        nodes.append({**node, "options": {"enabled": chance.random() < 0.95}})
        for port in _INPUTS.get(kind, ()):
            if port not in ("b", "all") or chance.random() < 0.6 or (port == "all" and not edges):
                edges.append(_random_edge(chance, kinds, place, port))
        routes = [each for each in range(place) if kinds[each] == "route"]
        if routes and chance.random() < 0.4:
            branch = chance.choice(["PASS", "REJECT"])
            edges.append({"source": f"n{chance.choice(routes)}", "target": f"n{place}", "branch": branch})
    return {"nodes": nodes, "edges": edges}


def _random_edge(chance: random.Random, kinds: list[str], place: int, port: str) -> dict[str, Any]:
    source = chance.randrange(place)
    ports = [each for each in _OUTPUTS[kinds[source]] if each != "passed"]
    edge = {
        "source": f"n{source}",
        "sourcePort": chance.choice(ports),
        "target": f"n{place}",
        "targetPort": port,
    }
    if kinds[source] == "route" and chance.random() < 0.3:
        edge["branch"] = chance.choice(["PASS", "REJECT"])
    return edge


def _behaviour(seed: int, graph: Graph) -> Callable[[str, int, Any], Told]:
    """What nodes do is random, but the same for the same node, element and inputs."""

    def behave(name: str, element: int, inputs: Any) -> Told:
        number = zlib.crc32(f"{seed} {name} {element} {sorted(inputs.items())}".encode())
        kind = graph.nodes[name].descriptor.kind
        if number % 10 == 0:
            return "FAILED", None
        if number % 10 == 1:
            return "SKIPPED", None
        if kind == "split":
            return "COMPLETED", {"many": [number % 1000 + each for each in range(number // 10 % 4)]}
        if kind == "route":
            ways = {way: number % 1000 for bit, way in ((16, "left"), (32, "right")) if number & bit}
            return "COMPLETED", {**ways, "passed": bool(number & 64)}
        return "COMPLETED", {"x": number % 1000}

    return behave


def _as_told(outcome: Outcome) -> Told:
    if outcome.state is NodeState.SKIPPED and outcome.is_routed:
        return "ROUTED", None
    return str(outcome.state), dict(outcome.outputs) if outcome.state is NodeState.COMPLETED else None


@settings(max_examples=400)
@given(st.integers(0, 2**32))
def test_the_engine_and_the_reference_agree(seed: int) -> None:
    chance = random.Random(seed)
    graph = None
    for _ in range(50):
        graph = graph or examine(_random_definition(chance), KINDS).graph
    assume(graph is not None)
    assert graph is not None
    behave = _behaviour(seed, graph)

    def execute(execution: Execution) -> Outcome:
        assert execution.failures == {} or not execution.node.is_blocking
        state, outputs = behave(execution.node.id, execution.element, execution.inputs)
        return {
            "COMPLETED": lambda: completed(outputs),
            "FAILED": lambda: failed("no"),
            "SKIPPED": lambda: skipped(""),
        }[state]()

    results = run_item(graph, completed({"x": 0}), execute)
    reference = Reference(graph, behave)
    for name in graph.nodes:
        expected = [reference.told(name, element) for element in range(reference.elements(name))]
        assert [_as_told(outcome) for outcome in results[name]] == expected, name
    states = [outcome.state for name in graph.nodes if name != graph.source for outcome in results[name]]
    expected_state = (
        ItemState.FAILED if NodeState.FAILED in states
        else ItemState.SUCCESS if NodeState.COMPLETED in states else ItemState.SKIPPED
    )  # fmt: skip
    assert item_state(graph, results) is expected_state


@pytest.mark.parametrize(
    "wrong",
    [None, "x", completed({}), completed({"x": None}), completed({"x": object()}), completed({"x": 1, "y": 2})],
)
def test_what_is_no_success_is_a_failure(wrong: Any) -> None:
    definition = {
        "nodes": [{"id": "s", "type": "source"}, {"id": "p", "type": "plain"}],
        "edges": [{"source": "s", "target": "p", "targetPort": "a"}],
    }
    graph = examine(definition, KINDS).graph
    assert graph is not None
    results = run_item(graph, completed({"x": 0}), lambda _: wrong)
    assert results["p"][0].state is NodeState.FAILED
    assert item_state(graph, results) is ItemState.FAILED
