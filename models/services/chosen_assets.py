"""Doing the same to many assets: whatever a filter chooses, each as a request of its own would do it.

Assets are chosen in the order of their ids, up to the newest that there is when the choice begins, so that what is done
to them cannot make the choice endless.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from models.entities import Asset
from models.errors import LoomError
from models.permissions import Actor, Verb
from models.services.assets import ASSETS, get_asset, remove_asset
from models.services.blobs import request_blob_removal
from models.services.bulk_assets import Results
from models.services.crud import Values
from models.services.tagging import Producer, apply_tags
from models.unit_of_work import UnitOfWork

Conditions = Sequence[ColumnElement[bool]]


def newest_asset(uow: UnitOfWork, actor: Actor) -> UUID | None:
    """Give the id of the last asset to be looked at."""
    query = select(Asset.id).where(Asset.space_id == actor.space_id).order_by(Asset.id.desc()).limit(1)
    return uow.session.execute(query).scalar_one_or_none()


def count_chosen(uow: UnitOfWork, actor: Actor, conditions: Conditions) -> int:
    """Count the assets that the conditions choose among those that the actor may read."""
    query = select(func.count()).select_from(Asset)
    chosen = query.where(Asset.space_id == actor.space_id, ASSETS.visible(actor), *conditions)
    return uow.session.execute(chosen).scalar_one()


def choose(
    uow: UnitOfWork, actor: Actor, conditions: Conditions, after: UUID | None, until: UUID, limit: int
) -> list[tuple[UUID, str]]:  # fmt: skip
    """Give the next ids and hashes in the order of the ids, behind `after` and up to `until`."""
    query = select(Asset.id, Asset.sha512).where(
        Asset.space_id == actor.space_id, Asset.id <= until, ASSETS.visible(actor), *conditions
    )
    if after is not None:
        query = query.where(Asset.id > after)
    return [(row[0], row[1]) for row in uow.session.execute(query.order_by(Asset.id).limit(limit))]


def tag_chosen(
    uow: UnitOfWork, actor: Actor, ids: Sequence[tuple[int, UUID]], tags: Sequence[Values], withdraw: Sequence[UUID],
    producer: Producer,
) -> Results:  # fmt: skip
    """Put tags on assets and take others off; `ids` are given with their indexes."""

    def tag(asset_id: UUID) -> None:
        apply_tags(uow, actor, asset_id, tags, withdraw, producer)

    return _each(uow, ids, tag)


def delete_chosen(uow: UnitOfWork, actor: Actor, ids: Sequence[tuple[int, UUID]]) -> Results:
    """Remove assets; what bytes nothing refers to any more is looked for once for all of them."""
    dropped: list[str] = []

    def remove(asset_id: UUID) -> None:
        asset = get_asset(uow, actor, asset_id, Verb.DELETE, lock=True)
        dropped.extend(remove_asset(uow, actor, asset))

    results = _each(uow, ids, remove)
    request_blob_removal(uow, actor.space_id, dropped)
    return results


def _each(uow: UnitOfWork, ids: Sequence[tuple[int, UUID]], act: Callable[[UUID], None]) -> Results:
    results = Results()
    for index, asset_id in ids:
        try:
            with uow.savepoint():
                act(asset_id)
            results.done[index] = asset_id
        except LoomError as error:
            results.problems[index] = error.code, error.message
    return results
