"""Definitions as callers send them, read node by node and edge by edge. What cannot be read is told and left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from models.pipelines.graph import Branch
from models.pipelines.problems import Problems

FORMAT = 1
MOST_NODES, MOST_EDGES = 500, 2000
_LONGEST_NAME = 255
_NODE_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")


@dataclass(frozen=True)
class DraftNode:
    """A node as it is written."""

    id: str
    kind: str
    options: Mapping[str, Any]
    blocking: bool | None


@dataclass(frozen=True)
class DraftEdge:
    """An edge as it is written; ports that are not said are None."""

    id: str
    source: str
    target: str
    source_port: str | None
    target_port: str | None
    branch: Branch


def read_nodes(definition: Mapping[str, Any], problems: Problems) -> dict[str, DraftNode]:
    """Give the nodes that can be read, by id."""
    _check_version(definition, problems)
    found: dict[str, DraftNode] = {}
    for place, node in enumerate(_list(definition, "nodes", MOST_NODES, problems)):
        draft = _read_node(place, node, problems)
        if draft is None:
            continue
        if draft.id in found:
            problems.node("NODE_ID_DUPLICATE", draft.id, f"node '{draft.id}': there are two of this id")
        found.setdefault(draft.id, draft)
    return found


def read_edges(definition: Mapping[str, Any], nodes: Collection[str], problems: Problems) -> list[DraftEdge]:
    """Give the edges that can be read and whose ends are nodes."""
    edges = _list(definition, "edges", MOST_EDGES, problems)
    read = (_read_edge(place, edge, nodes, problems) for place, edge in enumerate(edges))
    return [edge for edge in read if edge is not None]


def _check_version(definition: Mapping[str, Any], problems: Problems) -> None:
    version = definition.get("version")
    if version is None:
        return
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        problems.whole("VERSION_INVALID", f"version must be a whole number from 1 to {FORMAT}")
    elif version > FORMAT:
        problems.whole("VERSION_UNKNOWN", f"version {version} of definitions is not known here; {FORMAT} is the newest")


def _list(definition: Mapping[str, Any], name: str, most: int, problems: Problems) -> list[Any]:
    found = definition.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        problems.whole(f"{name.upper()}_NOT_ARRAY", f"{name} must be a list")
        return []
    if len(found) > most:
        problems.whole("TOO_MANY", f"{name} must be a list of at most {most}")
        return []
    return found


def _read_node(place: int, node: Any, problems: Problems) -> DraftNode | None:
    if not isinstance(node, Mapping):
        problems.node("NODE_NULL", None, f"node {place}: must be an object")
        return None
    node_id = node.get("id")
    if not isinstance(node_id, str) or not _NODE_ID.fullmatch(node_id):
        code = "NODE_ID_MISSING" if node_id is None else "NODE_ID_INVALID"
        problems.node(code, None, f"node {place}: id must be 1 to 64 of a-z, 0-9 and inner hyphens")
        return None
    for code, message in _wrong_of_node(node):
        problems.node(code, node_id, f"node '{node_id}': {message}")
    kind, options = node.get("type", node.get("kind")), node.get("options", node.get("config"))
    blocking = node.get("blocking")
    return DraftNode(
        node_id, kind if isinstance(kind, str) else "", options if isinstance(options, Mapping) else {},
        blocking if isinstance(blocking, bool) else None,
    )  # fmt: skip


def _wrong_of_node(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kind = node.get("type", node.get("kind"))
    if not isinstance(kind, str) or not 0 < len(kind) <= _LONGEST_NAME:
        yield "NODE_TYPE_MISSING", f"type must be a text of 1 to {_LONGEST_NAME} characters"
    if not isinstance(node.get("name", ""), str | None):
        yield "NODE_INVALID", "name must be a text"
    if not isinstance(node.get("options", node.get("config", {})), Mapping | None):
        yield "NODE_INVALID", "options must be an object"
    if not isinstance(node.get("blocking"), bool | None):
        yield "NODE_INVALID", "blocking must be true or false"
    if node.get("dependencies"):
        yield "NODE_DEPENDENCIES", "dependencies follow from the edges; there is nothing to be said of them"


def _read_edge(place: int, edge: Any, nodes: Collection[str], problems: Problems) -> DraftEdge | None:
    if not isinstance(edge, Mapping):
        problems.edge("EDGE_NULL", str(place), f"edge {place}: must be an object")
        return None
    given = edge.get("id")
    edge_id = given if isinstance(given, str) and given else f"{edge.get('source')}->{edge.get('target')}"[:200]
    wrong = list(_wrong_of_edge(edge, nodes))
    for code, message in wrong:
        problems.edge(code, edge_id, f"edge {place}: {message}")
    if wrong:
        return None
    ports = edge.get("sourcePort") or None, edge.get("targetPort") or None
    return DraftEdge(edge_id, edge["source"], edge["target"], *ports, Branch(edge.get("branch") or Branch.ANY))


def _wrong_of_edge(edge: Mapping[str, Any], nodes: Collection[str]) -> Iterator[tuple[str, str]]:
    for end in ("source", "target"):
        given = edge.get(end)
        if not isinstance(given, str) or not given:
            yield f"EDGE_{end.upper()}_MISSING", f"{end} must be the id of a node"
        elif given not in nodes:
            yield f"EDGE_{end.upper()}_UNKNOWN", f"{end} '{given[:80]}' is no node"
    for name in ("id", "sourcePort", "targetPort"):
        if not isinstance(edge.get(name), str | None):
            yield "EDGE_INVALID", f"{name} must be a text"
    if (edge.get("branch") or Branch.ANY) not in list(Branch):
        yield "BRANCH_UNKNOWN", f"branch must be one of {', '.join(Branch)}"
