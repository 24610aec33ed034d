"""One item through a graph, node by node in the graph's order: what runs, what is skipped, and what each gets.

* An edge follows a verdict (PASS, REJECT) or a selective port. If no such edge from one producer is live, its target is
  skipped, and all that hangs on that, along every edge: routes are transitive.
* A producer that failed skips whoever waits for it, unless that one is not blocking: it runs and is told.
* A producer that was skipped for another reason (not its kind of content, say) takes with it who needs its value, and
  only those.
* A node for each element of a sequence has a result for each; an input for many gathers those that there are. An empty
  sequence skips.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from models.pipelines.descriptors import Cardinality, Port
from models.pipelines.graph import Branch, Edge, Graph, GraphNode, Mode
from models.pipelines.outcomes import NodeState, Origin, Outcome, sealed, skipped

Results = Mapping[str, Sequence[Outcome]]
"""Of each node the outcomes, by element; one of a node that runs once."""


class ItemState(StrEnum):
    """What became of an item."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class Execution(NamedTuple):
    """A node that is to run: for which element, with which inputs, and behind which failures."""

    node: GraphNode
    element: int
    inputs: Mapping[str, Any]
    failures: Mapping[str, str] = MappingProxyType({})
    """Of a node that is not blocking: the producers that have failed, and why."""


Execute = Callable[[Execution], Outcome]


class _Signal(StrEnum):
    """What comes along an edge."""

    LIVE = "LIVE"
    SILENT = "SILENT"
    """Another way was taken."""
    ABSENT = "ABSENT"
    FAILED = "FAILED"


@dataclass
class _Arrival:
    """What has come along an edge, for one execution of its target."""

    edge: Edge
    signals: set[_Signal]
    values: list[Any]
    message: str | None = None

    @property
    def is_live(self) -> bool:
        return _Signal.LIVE in self.signals

    @property
    def is_failed(self) -> bool:
        return _Signal.FAILED in self.signals


def run_item(graph: Graph, source: Outcome, execute: Execute) -> dict[str, list[Outcome]]:
    """Take an item through the graph; `source` is what its source node gives.

    `execute` may raise nothing for a node that merely fails; what it raises ends the item.
    """
    run = _Run(graph)
    for node in graph.nodes.values():
        if node.id == graph.source:
            run.results[node.id] = [sealed(source, node.outputs)]
        else:
            elements = run.elements(node) if node.driver else (0,)
            run.results[node.id] = [run.settle(node, element, execute) for element in elements]
    return run.results


def item_state(graph: Graph, results: Results) -> ItemState:
    """Sum up what became of an item."""
    states = [outcome.state for node_id, outcomes in results.items() for outcome in outcomes if node_id != graph.source]
    if NodeState.FAILED in states or results[graph.source][0].state is NodeState.FAILED:
        return ItemState.FAILED
    has_done = NodeState.COMPLETED in states or not states
    return ItemState.SUCCESS if has_done else ItemState.SKIPPED


class _Run:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.results: dict[str, list[Outcome]] = {}

    def elements(self, node: GraphNode) -> range:
        """How often a node for each element is to be looked at: at least once, so that it has a result."""
        return range(max(1, len(self._driving(node))))

    def _driving(self, node: GraphNode) -> Sequence[Any]:
        assert node.driver is not None
        driver, port = node.driver
        values: Sequence[Any] = self.results[driver][0].outputs.get(port, ())
        return values

    def settle(self, node: GraphNode, element: int, execute: Execute) -> Outcome:
        """Decide on an execution, and let it run if it is to."""
        decided = self._decide_plainly(node) or self._decide(node, element)
        if isinstance(decided, Outcome):
            return decided
        outcome = execute(decided)
        # What is known was held against what the node declares when it was found out.
        is_known = isinstance(outcome, Outcome) and outcome.origin is Origin.CACHED
        return outcome if is_known else sealed(outcome, node.outputs)

    def _decide_plainly(self, node: GraphNode) -> Execution | None:
        """Decide what most executions come to, in which every edge is live; None if one is not."""
        edges = self._graph.plain.get(node.id)
        if edges is None:
            return None
        inputs = {}
        for source, source_port, target_port, verdict_port, verdict in edges:
            state, outputs, *_ = self.results[source][0]
            if state is not NodeState.COMPLETED or (
                verdict is not None and outputs.get(verdict_port) is not verdict
            ):  # fmt: skip
                return None
            if source_port:
                value = outputs.get(source_port)
                if value is None:
                    return None
                if target_port:
                    inputs[target_port] = value
        return Execution(node, 0, inputs)

    def _decide(self, node: GraphNode, element: int) -> Execution | Outcome:
        if not node.options.get("enabled", True):
            return skipped("It is not enabled")
        arrivals = [self._arrive(node, edge, element) for edge in self._graph.edges_into.get(node.id, ())]
        failures = {each.edge.source: each.message or "" for each in arrivals if each.is_failed}
        if failures and node.is_blocking:
            return skipped(f"Failed before: {', '.join(sorted(failures))}")
        if reason := _other_way(node, arrivals, self._graph):
            return skipped(reason, is_routed=True)
        if node.mode is Mode.PER_ELEMENT and not self._driving(node) and not failures:
            return skipped("There are no elements")
        inputs = _gather(node, arrivals)
        for port in _needed(node, arrivals):
            if port not in inputs and not failures:
                return skipped(f"Nothing has come to its port '{port}'")
        return Execution(node, element, inputs, failures)

    def _arrive(self, node: GraphNode, edge: Edge, element: int) -> _Arrival:
        """Look along an edge: at all elements if they are gathered at its end, else at the one that is meant."""
        producer, takes_many = self._graph.nodes[edge.source], _takes_many(node, edge)
        outcomes = self.results[edge.source]
        if producer.mode is Mode.PER_ELEMENT and not takes_many:
            outcomes = outcomes[element : element + 1]
        arrival = _Arrival(edge, set(), [])
        for outcome in outcomes:
            signal, values = _signal(producer, edge, outcome)
            arrival.signals.add(signal)
            arrival.values += values if takes_many or not _gives_many(producer, edge) else values[element : element + 1]
            arrival.message = arrival.message or outcome.message
        return arrival


def _takes_many(node: GraphNode, edge: Edge) -> bool:
    if not edge.target_port:
        return node.mode is Mode.SINGLE
    return node.inputs[edge.target_port].cardinality is Cardinality.MANY


def _signal(producer: GraphNode, edge: Edge, outcome: Outcome) -> tuple[_Signal, list[Any]]:
    if outcome.state is NodeState.FAILED:
        return _Signal.FAILED, []
    if outcome.state is NodeState.SKIPPED:
        return (_Signal.SILENT if outcome.is_routed else _Signal.ABSENT), []
    if edge.branch is not Branch.ANY and _verdict(producer, outcome) is not (edge.branch is Branch.PASS):
        return _Signal.SILENT, []
    if not edge.source_port:
        return _Signal.LIVE, []
    value = outcome.outputs.get(edge.source_port)
    if value is None:
        return _Signal.SILENT, []
    return _Signal.LIVE, list(value) if _gives_many(producer, edge) else [value]


def _gives_many(producer: GraphNode, edge: Edge) -> bool:
    port = producer.outputs.get(edge.source_port)
    return port is not None and port.cardinality is Cardinality.MANY


def _verdict(producer: GraphNode, outcome: Outcome) -> bool | None:
    verdict: bool | None = outcome.outputs.get(producer.verdict_port)
    return verdict


def _other_way(node: GraphNode, arrivals: Sequence[_Arrival], graph: Graph) -> str | None:
    """Say whose route does not lead to the node; None if all do."""
    by_producer: dict[str, list[_Arrival]] = defaultdict(list)
    for arrival in arrivals:
        by_producer[arrival.edge.source].append(arrival)
    for source, found in by_producer.items():
        routed = [each for each in found if _is_routed(graph.nodes[source], each.edge)]
        is_passed_over = all(each.signals == {_Signal.SILENT} for each in found)
        if (routed or is_passed_over) and not any(each.is_live or each.is_failed for each in routed or found):
            return f"'{source}' leads another way"
    return None


def _is_routed(producer: GraphNode, edge: Edge) -> bool:
    port: Port | None = producer.outputs.get(edge.source_port)
    return edge.branch is not Branch.ANY or (port is not None and port.is_selective)


def _gather(node: GraphNode, arrivals: Sequence[_Arrival]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for arrival in arrivals:
        port = node.inputs.get(arrival.edge.target_port)
        if port is None or not arrival.values:
            continue
        if port.cardinality is Cardinality.MANY:
            inputs.setdefault(port.id, []).extend(arrival.values)
        else:
            inputs[port.id] = arrival.values[0]
    return inputs


def _needed(node: GraphNode, arrivals: Sequence[_Arrival]) -> Iterator[str]:
    """Yield the inputs without which the node cannot run: those that are wired and required, alone or as a group."""
    groups = {group.id for group in node.descriptor.groups if group.is_required}
    for port_id in dict.fromkeys(arrival.edge.target_port for arrival in arrivals):
        port = node.inputs.get(port_id)
        if port is not None and (port.group in groups if port.group else port.is_required):
            yield port_id
