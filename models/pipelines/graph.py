"""A pipeline's graph as it runs: nodes in an order in which each comes behind all that it depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from models.pipelines.content import is_control
from models.pipelines.descriptors import Cardinality, NodeDescriptor, Port


class Branch(StrEnum):
    """Which verdict of a filter an edge follows."""

    ANY = "ANY"
    PASS = "PASS"  # noqa: S105 - a verdict
    REJECT = "REJECT"


class Mode(StrEnum):
    """How often a node runs for an item."""

    SINGLE = "SINGLE"
    PER_ELEMENT = "PER_ELEMENT"
    """Once for each value that a port with many of them gives."""


@dataclass(frozen=True)
class Edge:
    """From an output to an input."""

    id: str
    source: str
    source_port: str
    target: str
    target_port: str
    branch: Branch = Branch.ANY

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What no two edges have in common."""
        return self.source, self.source_port, self.target, self.target_port


@dataclass(frozen=True)
class GraphNode:
    """A node as it stands in a graph; `options` are the effective ones."""

    id: str
    descriptor: NodeDescriptor
    options: Mapping[str, Any]
    is_blocking: bool
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    mode: Mode = Mode.SINGLE
    driver: tuple[str, str] | None = None
    """Of a node that runs for each element: the node and the output whose values these are."""

    @cached_property
    def verdict_port(self) -> str:
        """The output at which a filter says whether it lets pass; empty for a node that does not."""
        return next((port.id for port in self.outputs.values() if is_control(port.content_type)), "")


class PlainEdge(NamedTuple):
    """An edge that brings one value, or a verdict, with what must be known to follow it."""

    source: str
    source_port: str
    target_port: str
    """Empty if the target does not take the value."""
    verdict_port: str
    verdict: bool | None
    """The one that it follows; None if it follows any."""


@dataclass(frozen=True)
class Graph:
    """All nodes, in an order in which they can run, and the edges between them."""

    nodes: Mapping[str, GraphNode]
    edges: Sequence[Edge]
    source: str
    edges_into: Mapping[str, Sequence[Edge]] = field(init=False)
    plain: Mapping[str, Sequence[PlainEdge]] = field(init=False)
    """Of nodes that run once, and get no more than one value of each edge: the edges."""

    def __post_init__(self) -> None:
        """Sort the edges by where they lead."""
        into: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            into[edge.target].append(edge)
        object.__setattr__(self, "edges_into", into)
        plain = {node.id: self._plain_edges(node) for node in self.nodes.values() if self._is_plain(node)}
        object.__setattr__(self, "plain", plain)

    def _is_plain(self, node: GraphNode) -> bool:
        edges = self.edges_into.get(node.id, ())
        return _runs_once(node) and node.options.get("enabled", True) and all(map(self._is_plain_edge, edges))

    def _plain_edges(self, node: GraphNode) -> list[PlainEdge]:
        found = []
        for edge in self.edges_into.get(node.id, ()):
            verdict = None if edge.branch is Branch.ANY else edge.branch is Branch.PASS
            target_port = edge.target_port if edge.target_port in node.inputs else ""
            verdict_port = self.nodes[edge.source].verdict_port
            found.append(PlainEdge(edge.source, edge.source_port, target_port, verdict_port, verdict))
        return found

    def _is_plain_edge(self, edge: Edge) -> bool:
        producer = self.nodes[edge.source]
        ports = producer.outputs.get(edge.source_port), self.nodes[edge.target].inputs.get(edge.target_port)
        return _runs_once(producer) and all(port is None or port.cardinality is Cardinality.ONE for port in ports)


def _runs_once(node: GraphNode) -> bool:
    return node.mode is Mode.SINGLE


def behind(graph: Graph, node_id: str) -> frozenset[str]:
    """Give a node and all that get something of it, however far behind."""
    found = {node_id}
    for each in graph.nodes:  # in an order in which links lead forward
        if any(edge.source in found for edge in graph.edges_into.get(each, ())):
            found.add(each)
    return frozenset(found)


def in_order(ids: Iterable[str], links: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Sort nodes so that links lead forward.

    Returns:
        The sorted ones, and those that lie on a cycle or behind one.
    """
    waiting = dict.fromkeys(ids, 0)
    followers = defaultdict(list)
    for source, target in links:
        followers[source].append(target)
        waiting[target] += 1
    ready = [each for each, count in waiting.items() if not count]
    for each in ready:
        for target in followers[each]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return ready, [each for each, count in waiting.items() if count]
