"""What pipelines are made of: kinds of node, as they describe themselves, and the types of content between them.

`NODES` has the kinds that workers can run. There is none yet: this release stores pipelines and does not run them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ContentType:
    """A type of content that flows between nodes: `family/subtype`, or `family/*` for the whole family."""

    id: str
    label: str
    description: str

    @property
    def family(self) -> str:
        """What stands before the slash."""
        return self.id.partition("/")[0]

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for a whole family."""
        return self.id.endswith("/*")


@dataclass(frozen=True)
class Port:
    """Where content goes into a node, or comes out of it."""

    id: str
    content_type: str
    label: str = ""
    cardinality: str = "ONE"
    is_required: bool = True
    description: str = ""


@dataclass(frozen=True)
class Parameter:
    """An option of a node."""

    key: str
    type: str
    label: str
    default: Any = None
    description: str = ""


@dataclass(frozen=True)
class NodeDescriptor:
    """A kind of node."""

    kind: str
    name: str
    category: str
    description: str = ""
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    parameters: tuple[Parameter, ...] = field(default=())


NODES: tuple[NodeDescriptor, ...] = ()
CONTENT_TYPES: tuple[ContentType, ...] = (
    ContentType("image/*", "Image", "Pictures of any format"),
    ContentType("video/*", "Video", "Moving pictures of any format"),
    ContentType("audio/*", "Audio", "Sound of any format"),
    ContentType("text/*", "Text", "Text of any format"),
    ContentType("application/*", "Document", "Documents and all other files"),
)
