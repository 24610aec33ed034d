"""What the engine should do, said again and shortly: each outcome is asked for by itself, nothing is remembered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Told = tuple[str, Any]
"""COMPLETED and the outputs, FAILED, SKIPPED, or ROUTED: skipped as another way was taken."""


class Reference:
    """Interprets a definition whose nodes are of the kinds of `kinds.py`."""

    def __init__(self, graph: Any, behave: Callable[[str, int, Any], Told]) -> None:
        self.graph, self.behave = graph, behave

    def elements(self, name: str) -> int:
        driver = self.graph.nodes[name].driver
        return 1 if driver is None else max(1, len(self._values_of(driver)))

    def _values_of(self, driver: Any) -> list[Any]:
        state, outputs = self.told(driver[0], 0)
        return outputs[driver[1]] if state == "COMPLETED" else []

    def told(self, name: str, element: int) -> Told:  # noqa: C901, PLR0911 - one rule after the other
        node = self.graph.nodes[name]
        if name == self.graph.source:
            return "COMPLETED", {"x": 0}
        if not node.options["enabled"]:
            return "SKIPPED", None
        edges = [edge for edge in self.graph.edges if edge.target == name]
        seen = [(edge, self._along(edge, node, element)) for edge in edges]
        has_failed = any("FAILED" in states for _, (states, _) in seen)
        if has_failed and node.is_blocking:
            return "SKIPPED", None
        for source in dict.fromkeys(edge.source for edge in edges):
            mine = [(edge, states) for edge, (states, _) in seen if edge.source == source]
            ways = [states for edge, states in mine if edge.branch != "ANY" or edge.source_port in ("left", "right")]
            if ways and not any({"COMPLETED", "FAILED"} & states for states in ways):
                return "ROUTED", None
            if not ways and all(states == {"ROUTED"} for _, states in mine):
                return "ROUTED", None
        if node.driver is not None and not self._values_of(node.driver) and not has_failed:
            return "SKIPPED", None
        inputs: dict[str, Any] = {}
        for edge, (_, values) in seen:
            if edge.target_port and values:
                inputs[edge.target_port] = inputs.get(edge.target_port, []) + values
        wired = {edge.target_port for edge in edges} & {"a", "all", "one", "other"}
        if not has_failed and not wired <= inputs.keys():
            return "SKIPPED", None
        return self.behave(name, element, {key: found if key == "all" else found[0] for key, found in inputs.items()})

    def _along(self, edge: Any, node: Any, element: int) -> tuple[set[str], list[Any]]:
        """What states are seen along an edge, and which values."""
        gathers = edge.target_port == "all" or (not edge.target_port and node.driver is None)
        many = self.graph.nodes[edge.source].driver is not None
        wanted = range(self.elements(edge.source)) if many and gathers else [element if many else 0]
        states: set[str] = set()
        values: list[Any] = []
        for each in wanted:
            state, outputs = self.told(edge.source, each)
            if state == "COMPLETED":
                verdict = {"PASS": True, "REJECT": False}.get(edge.branch)
                port = edge.source_port
                if (verdict is not None and outputs["passed"] is not verdict) or (port and port not in outputs):
                    state = "ROUTED"
                elif port:
                    found = outputs[port] if port == "many" else [outputs[port]]
                    values += found if port != "many" or gathers else found[element : element + 1]
            states.add(state)
        return states, values
