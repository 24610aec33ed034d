"""The kind `s3-sink`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from models.errors import LoomError
from models.pipelines.descriptors import Cardinality, Category, Port
from models.pipelines.outcomes import Outcome, completed, failed
from workers.nodes.base import MEDIA, Acting, Artifact, Node, Options

if TYPE_CHECKING:
    from models.storage.buckets import Bucket

_MOST_SOURCE = 512 * 1024**2
_FIELDS = frozenset({"uuid", "sha512", "filename", "number"})


class SinkOptions(Options):
    """Options of the kind."""

    bucket: str = Field("", title="Bucket", description="Such as s3://name/folder; LOOM_POOL_BUCKETS must allow it")
    key_template: str = Field(
        "{sha512}/{number}-{filename}", title="Key", description="Of {uuid}, {sha512}, {filename} and {number}"
    )
    include_source: bool = Field(False, title="The file too", description="Not only what nodes have made")
    overwrite: Literal["NEVER", "IF_DIFFERENT", "ALWAYS"] = Field(
        "IF_DIFFERENT", title="Write over", description="What has the key already"
    )


class S3SinkNode(Node[SinkOptions]):
    """Writes files that nodes have made, and the asset's own if wanted, into a bucket."""

    kind = "s3-sink"
    name = "Bucket"
    category = Category.OUTPUT
    inputs = (MEDIA, Port("artifacts", "artifact/*", "Files", Cardinality.MANY, is_required=False))
    outputs = (
        Port("keys", "struct/json", "What was written"),
        Port("count", "scalar/integer", "How many"),
    )
    acts = True
    is_lasting = False
    is_blocking = False
    capability = "io"
    options = SinkOptions

    def act(self, acting: Acting, inputs: Mapping[str, Any], options: SinkOptions) -> Outcome:
        """Write them."""
        try:
            bucket = acting.reach.bucket(options.bucket)
            listed = enumerate(_files(acting, inputs, options))
            files = [(_key(acting, options, number, each.filename), each) for number, each in listed]
            if acting.is_dry_run:
                return completed({"keys": [key for key, _ in files], "count": 0})
            written = sum(_put(bucket, key, each.read(), options) for key, each in files)
            return completed({"keys": [key for key, _ in files], "count": written})
        except (LoomError, ValueError) as error:
            return failed(str(error))


@dataclass(frozen=True)
class _File:
    """A file that is to be written; it is read when its turn has come."""

    filename: str
    read: Callable[[], bytes]


def _files(acting: Acting, inputs: Mapping[str, Any], options: SinkOptions) -> Iterator[_File]:
    for value in inputs.get("artifacts") or ():
        name = value.made.filename if isinstance(value, Artifact) else value.get("filename", "file")
        yield _File(name, partial(acting.read_file, value))
    if options.include_source:
        yield _File(acting.facts.filename, partial(acting.read_asset, _MOST_SOURCE))


def _key(acting: Acting, options: SinkOptions, number: int, filename: str) -> str:
    """Fill the template in: names alone, since a width or an attribute could be of any size."""
    for _, name, width, conversion in Formatter().parse(options.key_template):
        if name is not None and (name not in _FIELDS or width or conversion):
            raise ValueError(f"The key may be made of {', '.join(sorted(_FIELDS))}, in braces")
    facts = acting.facts
    safe = filename.replace("/", "_")
    key = options.key_template.format(uuid=facts.asset_id, sha512=facts.sha512, filename=safe, number=number)
    if not key or set(key.split("/")) & {"", ".", ".."}:
        raise ValueError("The key has an empty, `.` or `..` part")
    return key


def _put(bucket: Bucket, key: str, data: bytes, options: SinkOptions) -> bool:
    """Write an object; tells whether it was written."""
    known = bucket.find(key) if options.overwrite != "ALWAYS" else None
    if known is not None and (options.overwrite == "NEVER" or known.etag.strip('"') == _etag(data)):
        return False
    bucket.put(key, data)
    return True


def _etag(data: bytes) -> str:
    """What S3 calls an object that was written in one piece."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
