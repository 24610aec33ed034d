"""The blacklist: contents that a space does not want, by their hash.

They are refused wherever bytes or hashes come in (`unwanted.py`), and their assets are left out of lists and searches.
Whoever may not read the asset that an entry names does not see the entry either, as with all that hangs off assets.
"""

from __future__ import annotations

from sqlalchemy import select

from models.entities import Asset, Blacklist
from models.errors import InvalidInput
from models.events import ASSET_UPDATED, NewEvent
from models.permissions import Actor, Entity
from models.services.assets import get_asset
from models.services.blobs import lock_blob
from models.services.crud import Resource, Values
from models.services.visibility import Scope
from models.unit_of_work import UnitOfWork

BLACKLISTS = Resource(Blacklist, "blacklist entry", Entity.BLACKLIST, Scope.OF_ASSET)


def create_entry(uow: UnitOfWork, actor: Actor, values: Values) -> Blacklist:
    """Blacklist a content, by an asset that has it or by its hash.

    Raises:
        InvalidInput: when neither is given, or they do not agree.
    """
    resolved = _resolve(uow, actor, values)
    if "sha512" not in resolved:
        raise InvalidInput("sha512: is required, or else assetUuid", code="validation")
    lock_blob(uow, resolved["sha512"])
    entry = BLACKLISTS.create(uow, actor, resolved)
    _tell(uow, actor, entry.sha512)
    return entry


def update_entry(uow: UnitOfWork, actor: Actor, entry: Blacklist, values: Values) -> None:
    """Change an entry; what it is about may change too. Raises as `create_entry`.

    Given another hash alone, it is about the asset no more that it named.
    """
    before, resolved = entry.sha512, _resolve(uow, actor, values)
    if resolved.get("sha512", before) != before:
        resolved.setdefault("asset_id", None)
    for sha512 in sorted({before, resolved.get("sha512", before)}):
        lock_blob(uow, sha512)
    BLACKLISTS.update(uow, actor, entry, resolved)
    if entry.sha512 != before:
        _tell(uow, actor, before)
        _tell(uow, actor, entry.sha512)


def delete_entry(uow: UnitOfWork, actor: Actor, entry: Blacklist) -> None:
    """Let a content in again."""
    lock_blob(uow, entry.sha512)
    BLACKLISTS.delete(uow, actor, entry)
    _tell(uow, actor, entry.sha512)


def count_review(uow: UnitOfWork, actor: Actor, entry: Blacklist) -> None:
    """Note that a person has looked at an entry."""
    BLACKLISTS.update(uow, actor, entry, {"review_count": entry.review_count + 1})


def _resolve(uow: UnitOfWork, actor: Actor, values: Values) -> Values:
    """Put the hash of the asset that is named beside it."""
    if values.get("asset_id") is None:
        return {name: value for name, value in values.items() if name != "sha512" or value is not None}
    asset = get_asset(uow, actor, values["asset_id"])
    if values.get("sha512") not in (None, asset.sha512):
        raise InvalidInput("sha512: is not that of the asset", code="validation")
    return {**values, "sha512": asset.sha512}


def _tell(uow: UnitOfWork, actor: Actor, sha512: str) -> None:
    """Let the index know of the asset with this content, if there is one."""
    query = select(Asset.id).where(Asset.space_id == actor.space_id, Asset.sha512 == sha512)
    for asset_id in uow.session.execute(query).scalars():
        uow.publish(NewEvent(ASSET_UPDATED, actor.space_id, asset_id, actor.user_id))
