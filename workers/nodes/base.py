"""What a kind of node is: a class, of which its descriptor is derived."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from models.errors import LoomError
from models.pipelines.descriptors import Category, NodeDescriptor, Port
from models.pipelines.outcomes import Outcome
from workers.media.opened import OpenedMedia
from workers.nodes.parameters import parameters_of

if TYPE_CHECKING:  # the child, which has these classes too, needs neither database nor stores
    from models.services.asset_blocks import Place
    from models.storage import BlobReader
    from workers.running.reach import Reach

MEDIA = Port("media", "media/*", "Media")
_MOST_ANSWERS = 4_096


class Options(BaseModel):
    """Options of a kind; each with a title, a description and a default."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


O = TypeVar("O", bound=Options)  # noqa: E741 - options


@dataclass(frozen=True)
class Facts:
    """What the catalogue knows of an asset, without its bytes being looked at."""

    asset_id: UUID
    sha512: str
    size: int
    mime_type: str
    filename: str
    is_blacklisted: bool
    first_seen: datetime
    places: Sequence[Place] = ()
    tags: Sequence[str] = ()
    ratings: Sequence[int] = ()


@dataclass(frozen=True)
class Made:
    """What files a node gives at a port, as their attachments say it."""

    type: str
    mime_type: str
    filename: str


@dataclass(frozen=True)
class Artifact:
    """A file that a node has made. It is stored as an attachment of the asset."""

    data: bytes
    made: Made


@dataclass(frozen=True)
class Acting:
    """What a node has that does something in the world."""

    facts: Facts
    reach: Reach
    is_dry_run: bool
    """Then it says what it would do."""
    open_bytes: Callable[[], BlobReader]
    """Raises NotFound when they cannot be had."""

    def read_file(self, value: Any) -> bytes:
        """Give the bytes of a file that a node has made, now or in an earlier run.

        Raises:
            NotFound: when it is not there any more.
        """
        return value.data if isinstance(value, Artifact) else self.reach.read_made(value["artifact"], value["size"])

    def read_asset(self, most: int) -> bytes:
        """Give the bytes of the asset.

        Raises:
            LoomError: when there are more than so many.
            NotFound: when they cannot be had.
        """
        if self.facts.size > most:
            raise LoomError(f"The file is larger than {most // 1024**2} MiB")
        return read_all(self.open_bytes(), self.facts.size)


def read_all(reader: BlobReader, size: int) -> bytes:
    """Read so many bytes, and close."""
    found = bytearray()
    with closing(reader):
        while len(found) < size and (data := reader.read(size - len(found))):
            found += data
    return bytes(found)


class Node(Generic[O]):
    """A kind of node. Its docstring is its description. One instance serves many assets at once, so it keeps nothing.

    `version` changes whenever the same input would give another result. `applies_to` are patterns of MIME types; the
    node is skipped for other contents.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    category: ClassVar[Category] = Category.ANALYSIS
    version: ClassVar[str] = "1"
    inputs: ClassVar[tuple[Port, ...]] = (MEDIA,)
    outputs: ClassVar[tuple[Port, ...]] = ()
    applies_to: ClassVar[tuple[str, ...]] = ("*",)
    makes: ClassVar[Mapping[str, Made]] = {}
    """Of the ports that give files: the child sends no more than their bytes."""
    is_blocking: ClassVar[bool] = True
    capability: ClassVar[str] = "cpu"
    """What a worker must have to run it; work that needs another word than `cpu` and `io` has a queue of its own."""
    acts: ClassVar[bool] = False
    """Whether it is `act` that is called: in the worker itself, which has the catalogue, the stores and the network."""
    is_lasting: ClassVar[bool] = True
    """Whether what was found out holds for as long as the bytes are the same, and is known again."""
    dynamic: ClassVar[str | None] = None
    """The option whose rows are outputs."""
    hinted_by: ClassVar[str | None] = None
    """The option that says how the rows of `dynamic` are matched."""
    options: type[O]

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: O) -> Outcome:
        """Look at a content. What is raised is a failure of this node alone."""
        raise NotImplementedError

    def act(self, acting: Acting, inputs: Mapping[str, Any], options: O) -> Outcome:
        """Do something in the world, outside any transaction. Only of kinds that are `acting`."""
        raise NotImplementedError

    def look(self, facts: Facts, inputs: Mapping[str, Any], options: O) -> Outcome | None:
        """Say what can be said without the bytes. None: they must be looked at, in the child."""
        return None

    @classmethod
    def applies(cls, mime_type: str) -> bool:
        """Whether contents of that type are looked at."""
        return _applies(mime_type, tuple(cls.applies_to))


@lru_cache(_MOST_ANSWERS)
def _applies(mime_type: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(mime_type, pattern) for pattern in patterns)


def describe(node: type[Node[Any]]) -> NodeDescriptor:
    """Derive the descriptor of a kind."""
    return NodeDescriptor(
        kind=node.kind,
        name=node.name,
        category=node.category,
        version=node.version,
        description=cleandoc(node.__doc__ or "").partition("\n\n")[0],
        inputs=node.inputs,
        outputs=node.outputs,
        own_parameters=parameters_of(node.options),
        dynamic=node.dynamic,
        hinted_by=node.hinted_by,
        is_blocking=node.is_blocking,
        capability=node.capability,
    )
