"""What became of a node: a failure can never look like a success, since only what was declared makes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from models.pipelines.descriptors import Cardinality, Port
from models.pipelines.effects import Effect
from models.pipelines.values import ValueProblem, coerce

Outputs = Mapping[str, Any]
"""Values by port; of a port with MANY, a list."""
_NOTHING: Outputs = MappingProxyType({})


class NodeState(StrEnum):
    """How an execution of a node has ended."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class Origin(StrEnum):
    """Where a result comes from."""

    COMPUTED = "COMPUTED"
    CACHED = "CACHED"


class Outcome(NamedTuple):
    """How an execution has ended. A skip that is `is_routed` goes on along every edge."""

    state: NodeState
    outputs: Outputs = _NOTHING
    message: str | None = None
    origin: Origin = Origin.COMPUTED
    is_routed: bool = False
    effects: Sequence[Effect] = ()
    """What is to be done to the catalogue for this; a run that writes nothing does not."""


def completed(outputs: Outputs, origin: Origin = Origin.COMPUTED, effects: Sequence[Effect] = ()) -> Outcome:
    """Say that a node has given these outputs."""
    return Outcome(NodeState.COMPLETED, outputs, origin=origin, effects=effects)


def failed(message: str) -> Outcome:
    """Say why a node has failed."""
    return Outcome(NodeState.FAILED, message=message)


def skipped(reason: str, *, is_routed: bool = False) -> Outcome:
    """Say why a node had nothing to do."""
    return Outcome(NodeState.SKIPPED, message=reason, is_routed=is_routed)


def sealed(outcome: Outcome | None, ports: Mapping[str, Port]) -> Outcome:
    """Hold an outcome against what the node has declared; what does not fit is a failure."""
    if not isinstance(outcome, Outcome):
        return failed("The node did not say what became of it")
    if outcome.state is not NodeState.COMPLETED:
        return outcome
    if unknown := sorted(outcome.outputs.keys() - ports.keys()):
        return failed(f"The node has no port '{unknown[0]}' to give something at")
    missing = [port.id for port in ports.values() if not port.is_selective and outcome.outputs.get(port.id) is None]
    if missing:
        return failed(f"The node gave nothing at its port '{missing[0]}'")
    try:
        outputs = {name: _coerced(ports[name], value) for name, value in outcome.outputs.items() if value is not None}
    except ValueProblem as problem:
        return failed(str(problem))
    return Outcome(NodeState.COMPLETED, outputs, origin=outcome.origin, effects=outcome.effects)


def _coerced(port: Port, value: Any) -> Any:
    if port.cardinality is Cardinality.ONE:
        return coerce(port, value)
    if not isinstance(value, list | tuple):
        raise ValueProblem(f"Port '{port.id}' gives many values, so it needs a list")
    return [coerce(port, each) for each in value]
