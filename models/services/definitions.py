"""Pipeline definitions: graphs of nodes. What can be said of them without knowing the kinds of node is checked here.

A definition is `{"nodes": [{"id", "type", …}], "edges": [{"source", "target", …}]}`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from models.errors import InvalidInput
from models.ids import printable

FORMAT = 1
MOST_NODES, MOST_EDGES = 500, 2000
_LONGEST_NAME = 255
_NODE_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
_EDGE_TEXTS = ("id", "sourcePort", "targetPort", "branch")

Definition = dict[str, Any]


def checked(definition: Definition) -> Definition:
    """Give a definition with the number of its format, if its shape is right.

    Raises:
        InvalidInput: naming the first node or edge that is not.
    """
    nodes, edges = _list(definition, "nodes", MOST_NODES), _list(definition, "edges", MOST_EDGES)
    ids = list(_node_ids(nodes))
    if twice := next((each for each, count in Counter(ids).items() if count > 1), None):
        raise _wrong(f"node '{twice}': there are two of this id")
    known = set(ids)
    links = [_read_edge(place, edge, known) for place, edge in enumerate(edges)]
    _refuse_cycles(ids, links)
    return {**definition, "version": FORMAT, "nodes": nodes, "edges": edges}


def _list(definition: Definition, name: str, most: int) -> list[Any]:
    found = definition.get(name, [])
    if not isinstance(found, list) or len(found) > most:
        raise _wrong(f"{name} must be a list of at most {most}")
    return found


def _node_ids(nodes: list[Any]) -> Iterator[str]:
    for place, node in enumerate(nodes):
        if not isinstance(node, Mapping):
            raise _wrong(f"node {place}: must be an object")
        node_id = node.get("id")
        if not isinstance(node_id, str) or not _NODE_ID.fullmatch(node_id):
            raise _wrong(f"node {place}: id must be 1 to 64 of a-z, 0-9 and inner hyphens")
        if not isinstance(node.get("type"), str) or not 0 < len(node["type"]) <= _LONGEST_NAME:
            raise _wrong(f"node '{node_id}': type must be a text of 1 to {_LONGEST_NAME} characters")
        if not isinstance(node.get("name", ""), str | None):
            raise _wrong(f"node '{node_id}': name must be a text")
        if not isinstance(node.get("options", {}), Mapping):
            raise _wrong(f"node '{node_id}': options must be an object")
        yield node_id


def _read_edge(place: int, edge: Any, ids: set[str]) -> tuple[str, str]:
    if not isinstance(edge, Mapping):
        raise _wrong(f"edge {place}: must be an object")
    for end in ("source", "target"):
        if not isinstance(edge.get(end), str) or edge[end] not in ids:
            raise _wrong(f"edge {place}: {end} '{printable(str(edge.get(end)))}' is no node")
    for name in _EDGE_TEXTS:
        if not isinstance(edge.get(name, ""), str | None):
            raise _wrong(f"edge {place}: {name} must be a text")
    return edge["source"], edge["target"]


def _refuse_cycles(ids: list[str], links: list[tuple[str, str]]) -> None:
    """Take away nodes that nothing leads to, again and again: what stays lies on, or behind, a cycle."""
    followers, waiting = defaultdict(list), dict.fromkeys(ids, 0)
    for source, target in links:
        followers[source].append(target)
        waiting[target] += 1
    free = [each for each in ids if not waiting[each]]
    while free:
        for target in followers[free.pop()]:
            waiting[target] -= 1
            if not waiting[target]:
                free.append(target)
    if stuck := next((each for each in ids if waiting[each]), None):
        raise _wrong(f"node '{stuck}': lies on, or behind, a cycle")


def _wrong(message: str) -> InvalidInput:
    return InvalidInput(f"definition: {message}", code="bad-definition")
