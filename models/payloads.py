"""The arguments of tasks: ids and small JSON values only. `models.messages` says what kinds of task they are of."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Payload(BaseModel):
    """The arguments of a task: ids and small JSON values only. The wire spells their names in camel case."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class ScanPool(Payload):
    """Walk a pool and bring the catalogue up to date with it."""

    pool_uuid: UUID
    path: str = ""
    """Look below this folder of the pool only; in the spelling of `models.paths`, with neither end a slash."""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """Patterns besides those of the pool, see `models.scan_rules`."""
    dry_run: bool = False
    """Tell what a scan would do, and do none of it."""
    confirm_missing: int = 0
    """So many files may be gone, whatever the pool's threshold says; then they are missing at once."""
    confirm_root: bool = False
    """The root may lie on another device than before."""


class RunPipeline(Payload):
    """Take assets through a version of a pipeline."""

    pipeline_uuid: UUID
    version: int
    pipeline_name: str = ""
    """For those who watch."""
    uuids: tuple[UUID, ...] = ()
    filter: tuple[str, ...] = ()
    """Terms as lists of assets know them; all must hold. With neither, nothing is chosen."""
    queue: str = "media"
    """Where its parts wait: `media_queue` of what its nodes need."""
    is_for_all: bool = False
    """Nothing needs to be said to choose: all assets are chosen that nothing leaves out."""
    mime_types: tuple[str, ...] = ()
    """Patterns such as `image/*`, as `models.pipelines.triggers` has them."""
    pool_uuids: tuple[UUID, ...] = ()
    library_uuids: tuple[UUID, ...] = ()
    path: str = ""
    """A folder or file of the pool, in the spelling of `models.paths`."""
    path_globs: tuple[str, ...] = ()
    """Patterns for paths in pools, one of which must match."""
    from_node: str = ""
    """This node, and all behind it, look again, whatever is known."""
    is_outdated: bool = False
    """Only assets of which an earlier version of some kind of node has found something out."""
    dry_run: bool = False
    """Look at everything and write nothing but what became of the items."""


class VerifyPool(Payload):
    """Read the files of a pool, or the stored bytes of a space, again, and compare them with their hashes."""

    pool_uuid: UUID | None = None
    """None: what Loom itself stores for the space."""
    share: float = Field(default=1, gt=0, le=1)
    """So much of all files; the next run goes on where this one ends."""
    bytes_per_second: int | None = Field(default=None, ge=1024)
    """Read no faster than that."""
    chunks: bool = False
    """Note the chunk hash and the number of zero chunks of what is right, on its asset."""


class DeletePool(Payload):
    """Forget a pool and its locations; the files stay."""

    pool_uuid: UUID


class DeleteLibrary(Payload):
    """Forget a library; its assets stay."""

    library_uuid: UUID


class DeleteCollection(Payload):
    """Forget a collection; its assets stay."""

    collection_uuid: UUID


class DeleteTag(Payload):
    """Take a tag off all assets, and forget it."""

    tag_uuid: UUID


class AnnounceAssets(Payload):
    """Tell of each asset of a pool, or with a tag, that it shows or finds itself differently now."""

    source: Literal["pool", "tag"]
    source_uuid: UUID


class StagedPayload(Payload):
    """Of a task that does something with staged bytes, which stay until it has succeeded."""

    pieces: tuple[tuple[str, int], ...]
    """Where the bytes lie, one piece after the other: key of the blob store, and how many bytes of it."""
    filename: str


class BulkAssets(StagedPayload):
    """Make assets, or change some, as a staged list says."""

    format: Literal["json", "ndjson"] = "json"
    """A JSON object with the list `assets`, or an item a line."""


class ChangeChosen(Payload):
    """Do the same to all assets that a filter or a list chooses. `filter` has the terms that lists of assets know."""

    action: Literal["update", "tag", "delete"]
    filter: tuple[str, ...] = ()
    uuids: tuple[UUID, ...] = ()
    blacklisted: str = "exclude"
    dry_run: bool = False
    """Count them, and do nothing."""
    body: dict[str, Any] = {}
    """Of an update or of taggings, as it was sent."""


class StoreBinary(StagedPayload):
    """Hash staged bytes, keep them under their SHA-512 and attach them to an asset, and that to a library."""

    origin: str = "upload"
    sha512: str | None = None
    """If that was computed while the bytes came in."""
    digests: dict[str, str] = {}
    """What the bytes were declared to be, in hex, by the names of RFC 9530."""
    asset_uuid: UUID | None = None
    library_uuid: UUID | None = None


class ImportAsset(Payload):
    """Fetch what a URL names, and store it as if it had been uploaded."""

    url: str
    filename: str | None = None
    """None: as the other server or the URL calls it."""
    origin: str = "import"
    library_uuid: UUID | None = None
    digests: dict[str, str] = {}
    """What the bytes should be, as in `StoreBinary`."""


class StoreAttachment(StagedPayload):
    """Hash staged bytes, keep them under their SHA-512 and make an attachment of them."""

    type: str
    asset_uuid: UUID | None = None
    embedding_uuid: UUID | None = None
    user_uuid: UUID | None = None
    """Whose picture it becomes, in place of the one before; then it must be an image."""
    detection_uuid: UUID | None = None
    variant: str | None = None
    node_kind: str | None = None


class SearchByImage(StagedPayload):
    """Find assets that look like staged bytes, which are then removed."""

    limit: int = Field(default=10, ge=1, le=200)


class DeleteBlob(Payload):
    """Remove the bytes of blobs that nothing points at any more."""

    hashes: tuple[str, ...]


class Reindex(Payload):
    """Build the text index anew beside the live one, then switch."""


class ReconcileIndex(Payload):
    """Compare the text index with the database, and mend what differs."""


class DropIndex(Payload):
    """Let go of an index; that of texts is built anew at once, those of vectors when they are asked for again."""

    index: Literal["text", "vectors"]


class IndexVectors(Payload):
    """Make indexes of the kinds of vector that there are many of, and remove those of which there are few left."""

    anew: bool = False
    """Also those that there are."""


class FindDuplicates(Payload):
    """Look for duplicates in all of a space, and propose them in groups."""

    algorithms: tuple[Literal["EXACT", "IMAGE", "VIDEO"], ...] = ("EXACT", "IMAGE", "VIDEO")
    most_bits: int = Field(default=26, ge=0, le=48)
    """So many of the 128 bits of two pictures may differ."""
    least_share: float = Field(default=0.5, gt=0, le=1)
    """So great a share of the frames of two films must be alike."""


class ApplyDuplicates(Payload):
    """Do something about the duplicates in groups that people have confirmed, having looked at the files again."""

    group_uuids: tuple[UUID, ...] = ()
    """None: all that are confirmed."""
    action: Literal["MOVE", "TAG"] = "MOVE"
    folder: str = "duplicates"
    """Below the root of each pool; in the spelling of `models.paths`."""
    tag: str = "duplicate"
    dry_run: bool = False
    """Look at everything, and tell what would be done."""


class FindClusters(Payload):
    """Put the embeddings of a type into clusters, and propose these."""

    type: str
    model: str | None = None
    """None: of each model, apart."""
    least_cosine: float = Field(default=0.6, gt=0, le=1)
    """So near must a member be to the middle of its cluster."""
    least_members: int = Field(default=2, ge=2)


class CollectGarbage(Payload):
    """Remove stored bytes that nothing refers to."""

    grace_hours: int = Field(default=24, ge=1, le=24 * 366)
    """What was stored later is left alone."""
    dry_run: bool = False
    """Tell how much there is, and remove nothing."""


class ReplayWebhook(Payload):
    """Deliver what has happened to a webhook once more: since a moment, or behind an event."""

    webhook_uuid: UUID
    since: datetime | None = None
    since_id: int | None = None


class Sweep(Payload):
    """Remove what has outlived its use: old tasks, old events, staged uploads that nobody finished."""
