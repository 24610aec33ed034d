"""Assets: make, change and remove them, and give them bytes. Reading many is in `asset_views.py`.

An asset is addressed by its UUID or by its SHA-512, always within the actor's space. Its content never changes: other
bytes are another asset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert

from models.entities import Asset, Attachment
from models.errors import Conflict, InvalidInput, NotFound
from models.events import ASSET_CREATED, ASSET_UPDATED, ASSET_UPLOADED, NewEvent
from models.ids import new_id
from models.permissions import Actor, Entity, Permission, Verb
from models.services.blobs import lock_blob, request_blob_removal
from models.services.crud import Resource
from models.services.unwanted import refuse_blacklisted
from models.services.visibility import Scope
from models.unit_of_work import UnitOfWork

AssetKey = UUID | str
"""A UUID, or a SHA-512 in lower-case hex."""
ASSETS = Resource(Asset, "asset", Entity.ASSET, Scope.ASSET)
HASH_MISMATCH = "hash-mismatch"
"""Code of the error of bytes that are not the content that they were sent as."""
_CONTENT = ("sha512", "size")


@dataclass(frozen=True)
class StoredContent:
    """Bytes that are kept, and how an asset made of them is called. `mime_type` is what the bytes say."""

    sha512: str
    size: int
    mime_type: str
    filename: str
    origin: str


def get_asset(
    uow: UnitOfWork, actor: Actor, key: AssetKey, verb: Verb = Verb.READ, *, lock: bool = False
) -> Asset:  # fmt: skip
    """Give the asset of that key, to do something with.

    Raises:
        NotFound: when the actor may not read it, or there is none.
        Forbidden: when they may read it, but not do that with it.
    """
    if not actor.may(Permission.READ_ASSET):
        require_readable(uow, actor, key)
    asset = _get(uow, actor.space_id, key, lock=lock)
    if verb is not Verb.READ:
        ASSETS.require(uow, actor, asset.id, verb)
    return asset


def require_readable(uow: UnitOfWork, actor: Actor, key: AssetKey) -> None:
    """Insist that the actor may read an asset.

    Raises:
        NotFound: when they may not, or there is none.
    """
    if uow.session.execute(_lookup(actor.space_id, key).where(ASSETS.visible(actor))).first() is None:
        raise missing(key)


def require_all_readable(uow: UnitOfWork, actor: Actor, asset_ids: Sequence[UUID], field: str) -> None:
    """Insist that the actor may read all of these assets, which a field of a request names.

    Raises:
        InvalidInput: naming the first that they may not read, or that is none.
    """
    query = select(Asset.id).where(Asset.id.in_(asset_ids), Asset.space_id == actor.space_id, ASSETS.visible(actor))
    readable = set(uow.session.execute(query).scalars()) if asset_ids else set()
    if unknown := next((each for each in asset_ids if each not in readable), None):
        raise InvalidInput(f"{field}: {missing(unknown).message}")


def _get(uow: UnitOfWork, space_id: UUID, key: AssetKey, *, lock: bool = False) -> Asset:
    query = _lookup(space_id, key)
    asset = uow.session.execute(_locked(query) if lock else query).scalar_one_or_none()
    if asset is None:
        raise missing(key)
    return asset


def _locked(query: Select[Asset]) -> Select[Asset]:
    return query.with_for_update().execution_options(populate_existing=True)


def _lookup(space_id: UUID, key: AssetKey) -> Select[Asset]:
    column = Asset.id if isinstance(key, UUID) else Asset.sha512
    return select(Asset).where(column == key, Asset.space_id == space_id)


def missing(key: AssetKey) -> NotFound:
    """Say that there is no such asset."""
    return NotFound(f"Cannot find asset with {'uuid' if isinstance(key, UUID) else 'sha512'} '{key}'")


def hold_asset(uow: UnitOfWork, actor: Actor, key: AssetKey) -> Asset:
    """Give the asset, locked so that nothing can be put under it any more."""
    return get_asset(uow, actor, key, lock=True)


def create_asset(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Asset:
    """Make an asset that awaits its bytes. `values` are columns of the table.

    Knowing a hash gives nobody the bytes of it: those come by an upload or a scan only.

    Raises:
        Conflict: when the space has an asset of that SHA-512, or the content is blacklisted.
    """
    actor.require(Permission.CREATE_ASSET)
    lock_blob(uow, values["sha512"])
    refuse_blacklisted(uow, actor.space_id, values["sha512"])
    return ASSETS.create(uow, actor, values)


def update_asset(uow: UnitOfWork, actor: Actor, asset: Asset, values: dict[str, Any]) -> None:
    """Set the given columns of an asset that `get_asset` has locked.

    Raises:
        Conflict: when a change of the content itself is asked for.
    """
    require_content_kept(asset, values)
    ASSETS.update(uow, actor, asset, values)


def require_content_kept(asset: Any, values: dict[str, Any]) -> None:
    """Insist that no other content is said of an asset than it has.

    Raises:
        Conflict: when one is.
    """
    if any(values.get(name, getattr(asset, name)) != getattr(asset, name) for name in _CONTENT):
        raise Conflict("The content of an asset never changes: other bytes are another asset")


def hold_many(uow: UnitOfWork, actor: Actor, hashes: Sequence[str], names: Sequence[str]) -> dict[str, SimpleNamespace]:
    """Give id and these columns of those assets of these contents that the actor may read, locked, by hash."""
    columns = [getattr(Asset, name) for name in ("id", "sha512", *names)]
    query = select(*columns).where(Asset.space_id == actor.space_id, Asset.sha512.in_(hashes), ASSETS.visible(actor))
    found = uow.session.execute(query.order_by(Asset.id).with_for_update(of=Asset)).mappings()
    return {row["sha512"]: SimpleNamespace(**row) for row in found}


def find_readable(uow: UnitOfWork, actor: Actor, hashes: Sequence[str]) -> dict[str, UUID]:
    """Tell which of these contents the actor may read an asset of, and which asset that is."""
    query = select(Asset.sha512, Asset.id).where(
        Asset.space_id == actor.space_id, Asset.sha512.in_(hashes), ASSETS.visible(actor)
    )
    return {row[0]: row[1] for row in uow.session.execute(query)}


def delete_asset(uow: UnitOfWork, actor: Actor, asset: Asset) -> None:
    """Remove an asset that `hold_asset` has locked, with its places and all that hangs off it; files in pools stay.

    Its bytes, and those of its attachments, go as well when nothing else has them.
    """
    request_blob_removal(uow, asset.space_id, remove_asset(uow, actor, asset))


def remove_asset(uow: UnitOfWork, actor: Actor, asset: Asset) -> list[str]:
    """Remove an asset as `delete_asset` does; gives the hashes of the bytes that it has let go, to be asked about."""
    attached = select(Attachment.blob_sha512).where(Attachment.asset_id == asset.id).distinct()
    dropped = list(uow.session.execute(attached).scalars())
    scopes = _scopes_of(uow, asset.id)
    uow.session.delete(asset)
    uow.session.flush()
    uow.publish(NewEvent(ASSETS.deleted, asset.space_id, asset.id, actor.user_id, scopes))
    return [*dropped, asset.blob_sha512] if asset.blob_sha512 else dropped


def _scopes_of(uow: UnitOfWork, asset_id: UUID) -> dict[str, Any]:
    """Tell which libraries and collections an asset is in, as its last event keeps them (`audiences.py`)."""
    libraries = uow.fetch(
        """SELECT library_id::text FROM library_asset WHERE asset_id = %(id)s
           UNION SELECT library_id::text FROM location JOIN library_pool USING (pool_id) WHERE asset_id = %(id)s""",
        id=asset_id,
    )
    collections = uow.fetch("SELECT collection_id::text FROM collection_asset WHERE asset_id = %(id)s", id=asset_id)
    found = {"_libraries": [row[0] for row in libraries], "_collections": [row[0] for row in collections]}
    return {name: ids for name, ids in found.items() if ids}


def drop_content(uow: UnitOfWork, actor: Actor, asset: Asset) -> None:
    """Let go of the stored bytes of an asset that `hold_asset` has locked; the asset, and files in pools, stay.

    Raises:
        NotFound: when it has none.
    """
    if not asset.blob_sha512:
        raise NotFound("The asset has no stored binary")
    ASSETS.update(uow, actor, asset, {"blob_sha512": None})
    request_blob_removal(uow, asset.space_id, [asset.sha512])


def require_content(uow: UnitOfWork, space_id: UUID, asset_id: UUID, sha512: str) -> Asset:
    """Give the asset, locked, if that is the hash of its content.

    Raises:
        Conflict: with the code `hash-mismatch` when it is not.
    """
    asset = _get(uow, space_id, asset_id, lock=True)
    if asset.sha512 != sha512:
        raise Conflict("The uploaded bytes are not the content of this asset", code=HASH_MISMATCH)
    return asset


def attach_content(
    uow: UnitOfWork, space_id: UUID, user_id: UUID | None, asset_id: UUID, content: StoredContent
) -> Asset:
    """Give an asset its bytes. The caller holds the lock of the hash and the blob is kept."""
    asset = require_content(uow, space_id, asset_id, content.sha512)
    if asset.blob_sha512 is None:
        asset.blob_sha512, asset.size, asset.mime_type = content.sha512, content.size, content.mime_type
        _touch(asset, user_id)
        uow.session.flush()
        _publish(uow, asset, ASSET_UPDATED, user_id)
        _publish(uow, asset, ASSET_UPLOADED, user_id)
    return asset


def store_content(uow: UnitOfWork, space_id: UUID, user_id: UUID | None, content: StoredContent) -> tuple[Asset, bool]:
    """Give the asset of a content in a space, made now if there is none, and whether it is new.

    The caller holds the lock of the hash and the blob is kept.
    """
    while True:
        is_new = _insert_content(uow, space_id, user_id, content)
        asset = uow.session.execute(_locked(_lookup(space_id, content.sha512))).scalar_one_or_none()
        if asset is not None:
            break  # else the one that was in the way has just been removed
    if not is_new:
        return attach_content(uow, space_id, user_id, asset.id, content), False
    _publish(uow, asset, ASSET_CREATED, user_id)
    _publish(uow, asset, ASSET_UPLOADED, user_id)
    return asset, True


def _insert_content(uow: UnitOfWork, space_id: UUID, user_id: UUID | None, content: StoredContent) -> bool:
    values = {
        "id": new_id(), "space_id": space_id, "sha512": content.sha512, "size": content.size,
        "mime_type": content.mime_type, "filename": content.filename, "origin": content.origin,
        "blob_sha512": content.sha512, "creator_id": user_id, "editor_id": user_id,
    }  # fmt: skip
    statement = insert(Asset).values(values).on_conflict_do_nothing(index_elements=[Asset.space_id, Asset.sha512])
    return uow.session.execute(statement.returning(Asset.id)).scalar_one_or_none() is not None


def _touch(asset: Asset, user_id: UUID | None) -> None:
    asset.revision += 1
    asset.edited, asset.editor_id = datetime.now(UTC), user_id


def _publish(uow: UnitOfWork, asset: Asset, kind: str, user_id: UUID | None) -> None:
    uow.publish(NewEvent(kind, asset.space_id, asset.id, user_id))
