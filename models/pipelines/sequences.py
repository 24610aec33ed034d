"""Which nodes of a graph run once for an item, and which once for each value that another node gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from models.pipelines.descriptors import Cardinality
from models.pipelines.graph import Edge, GraphNode, Mode
from models.pipelines.problems import Problems

Driver = tuple[str, str]


def find_modes(nodes: Sequence[GraphNode], edges: Sequence[Edge], problems: Problems) -> dict[str, GraphNode]:
    """Give the nodes, which come in their order, with how often they run.

    An input for ONE value that many come to makes its node run for each; what follows it is many as well, until an
    input for MANY values gathers them.
    """
    found: dict[str, GraphNode] = {}
    for node in nodes:
        into = [edge for edge in edges if edge.target == node.id]
        drivers = {_driver_of(found, edge) for edge in into if edge.target_port and _takes_one(node, edge)} - {None}
        if drivers:
            # What only tells whether a node runs must tell it of the same elements.
            drivers |= {_driver_of(found, edge) for edge in into if not edge.target_port} - {None}
        found[node.id] = _with_mode(node, {driver for driver in drivers if driver}, problems)
    return found


def _takes_one(node: GraphNode, edge: Edge) -> bool:
    return node.inputs[edge.target_port].cardinality is Cardinality.ONE


def _driver_of(found: Mapping[str, GraphNode], edge: Edge) -> Driver | None:
    source = found[edge.source]
    if source.mode is Mode.PER_ELEMENT:
        return source.driver
    port = source.outputs.get(edge.source_port)
    return (source.id, port.id) if port and port.cardinality is Cardinality.MANY else None


def _with_mode(node: GraphNode, drivers: set[Driver], problems: Problems) -> GraphNode:
    if not drivers:
        return node
    if len(drivers) > 1:
        names = ", ".join(sorted(f"{node_id}.{port}" for node_id, port in drivers))
        message = f"node '{node.id}': it would run for the values of {names}, which have nothing to do with each other"
        problems.node("DRIVER_MISMATCH", node.id, message)
    many = [port.id for port in node.outputs.values() if port.cardinality is Cardinality.MANY]
    if many:
        message = f"node '{node.id}': it runs for each of many values, so it cannot give many itself ({many[0]})"
        problems.node("NESTED_FANOUT", node.id, message)
    return replace(node, mode=Mode.PER_ELEMENT, driver=min(drivers))
