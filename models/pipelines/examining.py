"""Definitions, examined: all that is wrong with one, each thing where it is, and the graph if nothing is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.pipelines.content import is_assignable, is_control
from models.pipelines.descriptors import Cardinality, Category, GroupMode, NodeDescriptor, Port
from models.pipelines.graph import Branch, Edge, Graph, GraphNode, in_order
from models.pipelines.options import effective, find_problems
from models.pipelines.problems import Problem, Problems
from models.pipelines.reading import DraftEdge, DraftNode, read_edges, read_nodes
from models.pipelines.sequences import find_modes

Kinds = Mapping[str, NodeDescriptor]


@dataclass(frozen=True)
class Examined:
    """What was found. There is a graph if there are no errors and at least one node."""

    errors: Sequence[Problem]
    warnings: Sequence[Problem]
    graph: Graph | None


def examine(definition: Mapping[str, Any], kinds: Kinds, available: Collection[str] | None = None) -> Examined:
    """Read a definition. `available` are the kinds that some worker offers now; None: nobody asked."""
    problems = Problems()
    drafts, edges, order = _read(definition, problems)
    nodes = {draft.id: node for draft in drafts.values() if (node := _place(draft, kinds, problems))}
    wired = _wire(edges, nodes, problems)
    source = _find_source(nodes, drafts, problems)
    if source:
        _find_orphans(source, drafts, edges, problems)
    if len(order) == len(nodes) == len(drafts):
        _check_inputs(nodes, wired, problems)
        nodes = find_modes([nodes[node_id] for node_id in order], wired, problems)
    _warn(drafts, available, problems)
    graph = Graph(nodes, wired, source) if source and not problems.errors else None
    return Examined(problems.errors, problems.warnings, graph)


def _read(
    definition: Mapping[str, Any], problems: Problems
) -> tuple[dict[str, DraftNode], list[DraftEdge], list[str]]:  # fmt: skip
    """Give nodes and edges, and the ids of those nodes that are on no cycle in their order."""
    drafts = read_nodes(definition, problems)
    edges = read_edges(definition, drafts, problems)
    order, stuck = in_order(drafts, dict.fromkeys((edge.source, edge.target) for edge in edges))
    for node_id in stuck:
        problems.node("CYCLE", node_id, f"node '{node_id}': lies on, or behind, a cycle")
    return drafts, edges, order


def _place(draft: DraftNode, kinds: Kinds, problems: Problems) -> GraphNode | None:
    descriptor = kinds.get(draft.kind)
    if descriptor is None:
        if draft.kind:
            message = f"node '{draft.id}': there is no kind '{draft.kind[:80]}'"
            problems.node("NODE_TYPE_UNKNOWN", draft.id, message)
        return None
    for key, message in find_problems(descriptor, draft.options):
        problems.node("OPTION_INVALID", draft.id, f"node '{draft.id}': option '{key[:80]}': {message}", key)
    return GraphNode(
        id=draft.id,
        descriptor=descriptor,
        options=effective(descriptor, draft.options),
        is_blocking=descriptor.is_blocking if draft.blocking is None else draft.blocking,
        inputs={port.id: port for port in descriptor.inputs},
        outputs={port.id: port for port in descriptor.outputs_for(draft.options)},
    )


def _wire(drafts: Iterable[DraftEdge], nodes: Mapping[str, GraphNode], problems: Problems) -> list[Edge]:
    wired, seen = [], set()
    for draft in drafts:
        if draft.source not in nodes or draft.target not in nodes:
            continue
        edge = _connect(draft, nodes[draft.source], nodes[draft.target], problems)
        if edge is None:
            continue
        if edge.key in seen:
            problems.edge("EDGE_DUPLICATE", edge.id, f"edge '{edge.id}': there is another one between these ports")
        seen.add(edge.key)
        wired.append(edge)
    return wired


def _connect(draft: DraftEdge, source: GraphNode, target: GraphNode, problems: Problems) -> Edge | None:
    """Find the ports of an edge. One with a branch may lead to no port: it tells whether its target runs, no more."""
    before = len(problems.errors)
    if draft.branch is not Branch.ANY and not _has_verdict(source):
        problems.edge("BRANCH_NOT_FILTER", draft.id, f"edge '{draft.id}': node '{source.id}' gives no verdict")
    outputs = _ports(draft.source_port, source.outputs, source.id, draft.id, problems)
    inputs = _ports(draft.target_port, target.inputs, target.id, draft.id, problems)
    if len(problems.errors) > before:
        return None
    pairs = [(out, into) for out in outputs for into in inputs if is_assignable(out.content_type, into.content_type)]
    if draft.branch is not Branch.ANY and draft.target_port is None and len(pairs) != 1:
        return Edge(draft.id, source.id, "", target.id, "", draft.branch)
    if len(pairs) == 1:
        return Edge(draft.id, source.id, pairs[0][0].id, target.id, pairs[0][1].id, draft.branch)
    code, what = (
        ("PORT_AMBIGUOUS", "say which ports it connects") if pairs else ("PORT_TYPE", _mismatch(outputs, inputs))
    )
    problems.edge(code, draft.id, f"edge '{draft.id}': {what}")
    return None


def _has_verdict(node: GraphNode) -> bool:
    is_filter = node.descriptor.category is Category.FILTER
    return is_filter and any(is_control(port.content_type) for port in node.outputs.values())


def _ports(
    given: str | None, known: Mapping[str, Port], node_id: str, edge_id: str, problems: Problems
) -> list[Port]:  # fmt: skip
    if given is None:
        return list(known.values())
    if given not in known:
        message = f"edge '{edge_id}': node '{node_id}' has no port '{given[:80]}' there"
        problems.edge("PORT_UNKNOWN", edge_id, message)
        return []
    return [known[given]]


def _mismatch(outputs: Sequence[Port], inputs: Sequence[Port]) -> str:
    if len(outputs) == len(inputs) == 1:
        return f"{outputs[0].content_type} does not go into {inputs[0].content_type}"
    return "nothing that comes out of its source goes into its target"


def _find_source(nodes: Mapping[str, GraphNode], drafts: Mapping[str, DraftNode], problems: Problems) -> str | None:
    sources = [node.id for node in nodes.values() if node.descriptor.category is Category.SOURCE]
    if len(sources) > 1:
        for node_id in sources[1:]:
            message = f"node '{node_id}': a pipeline has one source, and '{sources[0]}' is one already"
            problems.node("SOURCE_DUPLICATE", node_id, message)
    elif not sources and drafts and len(nodes) == len(drafts):
        problems.whole("SOURCE_MISSING", "one node must be a source")
    return sources[0] if sources else None


def _find_orphans(
    source: str, drafts: Mapping[str, DraftNode], edges: Iterable[DraftEdge], problems: Problems
) -> None:  # fmt: skip
    followers = defaultdict(list)
    for edge in edges:
        followers[edge.source].append(edge.target)
    reached, left = {source}, [source]
    while left:
        for target in followers[left.pop()]:
            if target not in reached:
                reached.add(target)
                left.append(target)
    for node_id in drafts:
        if node_id not in reached:
            problems.node("UNREACHABLE", node_id, f"node '{node_id}': nothing leads to it from '{source}'")


def _check_inputs(nodes: Mapping[str, GraphNode], edges: Sequence[Edge], problems: Problems) -> None:
    into = Counter((edge.target, edge.target_port) for edge in edges if edge.target_port)
    out_of = {(edge.source, edge.source_port) for edge in edges if edge.source_port}
    for node in nodes.values():
        for port in node.inputs.values():
            count = into[node.id, port.id]
            if port.is_required and not port.group and not count:
                problems.node("INPUT_MISSING", node.id, f"node '{node.id}': nothing leads into its port '{port.id}'")
            if count > 1 and port.cardinality is Cardinality.ONE:
                message = f"node '{node.id}': {count} edges lead into its port '{port.id}', which takes one"
                problems.node("INPUT_DUPLICATE", node.id, message)
        _check_groups(node, {port for target, port in into if target == node.id}, problems, GroupMode.XOR)
        _check_groups(node, {port for source, port in out_of if source == node.id}, problems, GroupMode.EXCLUSIVE)


def _check_groups(node: GraphNode, used: Collection[str], problems: Problems, mode: GroupMode) -> None:
    ports = node.inputs if mode is GroupMode.XOR else node.outputs
    for group in node.descriptor.groups:
        members = [port.id for port in ports.values() if port.group == group.id]
        wired = [each for each in members if each in used]
        if group.mode is not mode or (len(wired) == 1 or not (wired or group.is_required)):
            continue
        wanted = "exactly one" if group.is_required else "at most one"
        message = f"node '{node.id}': {wanted} of its ports {', '.join(members)} is to be wired"
        problems.node("GROUP", node.id, message)


def _warn(drafts: Mapping[str, DraftNode], available: Collection[str] | None, problems: Problems) -> None:
    if not drafts and not problems.errors:
        problems.warn("EMPTY_GRAPH", "there are no nodes, so it cannot run")
    for draft in drafts.values() if available is not None else ():
        if available is not None and draft.kind and draft.kind not in available:
            message = f"node '{draft.id}': no worker offers the kind '{draft.kind[:80]}' now"
            problems.warn("KIND_UNAVAILABLE", message, draft.id)
