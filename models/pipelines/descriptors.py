"""What a kind of node says of itself: ports, options, and how it is to be treated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any


class Category(StrEnum):
    """What a node is for. Only nodes of the category FILTER have edges with a branch."""

    SOURCE = "SOURCE"
    FILTER = "FILTER"
    ANALYSIS = "ANALYSIS"
    TRANSFORM = "TRANSFORM"
    OUTPUT = "OUTPUT"


class Cardinality(StrEnum):
    """How many values a port carries for an item."""

    ONE = "ONE"
    MANY = "MANY"


class GroupMode(StrEnum):
    """How ports of a group exclude each other."""

    XOR = "XOR"
    """Of inputs: exactly one is wired if the group is required, else at most one."""
    EXCLUSIVE = "EXCLUSIVE"
    """Of outputs: at most one is wired."""


@dataclass(frozen=True)
class Port:
    """Where content goes into a node, or comes out of it. A selective output is written for some items only."""

    id: str
    content_type: str
    label: str = ""
    cardinality: Cardinality = Cardinality.ONE
    is_required: bool = True
    group: str | None = None
    is_selective: bool = False
    description: str = ""


@dataclass(frozen=True)
class Group:
    """Ports that exclude each other."""

    id: str
    mode: GroupMode
    is_required: bool = False
    label: str = ""


class ParameterType(StrEnum):
    """What an option holds."""

    STRING = "STRING"
    INTEGER = "INTEGER"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    ENUM = "ENUM"
    ENUM_SET = "ENUM_SET"
    JSON = "JSON"
    PORT_LIST = "PORT_LIST"
    """Rows of `id`, `label` and `match`; each is an output of the node."""


@dataclass(frozen=True)
class Parameter:
    """An option of a node."""

    key: str
    type: ParameterType
    label: str
    default: Any = None
    description: str = ""
    least: float | None = None
    most: float | None = None
    values: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    """Of type JSON: what it may be, as JSON Schema."""


COMMON: tuple[Parameter, ...] = (
    Parameter("enabled", ParameterType.BOOLEAN, "Enabled", True, "Otherwise the node is skipped"),
    Parameter("maxAttempts", ParameterType.INTEGER, "Attempts", 1, "How often it is tried", 1, 10),
    Parameter("timeLimit", ParameterType.NUMBER, "Time limit", 60.0, "Seconds for an item", 0.1, 3600),
    Parameter("memoryLimit", ParameterType.INTEGER, "Memory limit", 1024, "MiB for an item", 64, 65_536),
)
"""Options that every kind has."""


@dataclass(frozen=True)
class NodeDescriptor:
    """A kind of node. `version` changes whenever the same input would give another result."""

    kind: str
    name: str
    category: Category
    version: str = "1"
    description: str = ""
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    groups: tuple[Group, ...] = ()
    own_parameters: tuple[Parameter, ...] = ()
    dynamic: str | None = None
    """The option of type PORT_LIST whose rows are outputs, of the type of the first input."""
    hinted_by: str | None = None
    """The option that says how `match` of the rows of `dynamic` is spelt (`models.pipelines.hints`)."""
    is_blocking: bool = True
    capability: str = "cpu"
    """What a worker must have to run it."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All options."""
        return (*self.own_parameters, *COMMON)

    @cached_property
    def media_inputs(self) -> frozenset[str]:
        """Ids of the inputs at which an asset comes in."""
        return frozenset(port.id for port in self.inputs if port.content_type.startswith("media/"))

    def outputs_for(self, options: Mapping[str, Any]) -> tuple[Port, ...]:
        """Give the outputs of a node with these options."""
        rows = options.get(self.dynamic) if self.dynamic else None
        return (*self._made(rows if isinstance(rows, list) else []), *self.outputs)

    def _made(self, rows: list[Any]) -> Iterator[Port]:
        for row in rows:
            if isinstance(row, Mapping) and isinstance(row.get("id"), str):
                yield Port(row["id"], self.inputs[0].content_type, str(row.get("label") or ""), is_selective=True)
