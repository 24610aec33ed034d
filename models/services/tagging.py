"""Tags on assets. One placement says that a tag is on an asset, or on an area of it, by the word of a person or a node.

Lock order: the asset, the tags, the placements. So requests about one asset go one after the other, and a tag cannot
be removed from under a placement that is being made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, select

from models.entities import Asset, AssetTag, Tag
from models.entities.tag import DEFAULT_TAG_COLLECTION, MANUAL
from models.errors import InvalidInput, NotFound
from models.events import ASSET_TAGGED, NewEvent
from models.ids import new_id_text
from models.permissions import Actor, Permission
from models.services.asset_access import require_covering
from models.services.assets import ASSETS, get_asset
from models.services.crud import Values
from models.services.tags import TAGS, ensure_tags, hold_tags
from models.unit_of_work import UnitOfWork, as_rows

MOST_PLACEMENTS = 100
"""So many placements of one tag are shown with it, the oldest first."""
_COLUMNS = ("area", "node_kind", "node_id", "producer_version", "confidence")
_NEW_TAG = ("name", "collection", "color", "meta")

_PUT = """
    INSERT INTO asset_tag (id, asset_id, tag_id, area, node_kind, node_id, producer_version, confidence, attached_by)
    SELECT id, asset_id, tag_id, area, node_kind, node_id, producer_version, confidence, CAST(:user AS uuid)
    FROM json_to_recordset(CAST(:rows AS json)) AS new (id uuid, asset_id uuid, tag_id uuid, area jsonb,
         node_kind text, node_id text, producer_version text, confidence float8)
    ON CONFLICT ON CONSTRAINT uq_asset_tag_placement DO UPDATE
    SET producer_version = excluded.producer_version, confidence = excluded.confidence
    WHERE (asset_tag.producer_version, asset_tag.confidence)
          IS DISTINCT FROM (excluded.producer_version, excluded.confidence)
    RETURNING id, xmax = 0
"""
_PLACEMENTS = f"""
    SELECT tag_id, id, area, node_kind, node_id, producer_version, confidence, attached, attached_by FROM (
        SELECT *, row_number() OVER (PARTITION BY tag_id ORDER BY id) AS number FROM asset_tag
        WHERE asset_id = :asset AND tag_id = ANY(CAST(:tags AS uuid[]))) AS put
    WHERE number <= {MOST_PLACEMENTS} ORDER BY id
"""  # noqa: S608 - a constant


@dataclass(frozen=True)
class Placement:
    """Where a tag is on an asset, and who says so."""

    placement_id: UUID
    area: dict[str, int] | None
    node_kind: str
    node_id: str | None
    producer_version: str | None
    confidence: float | None
    attached: datetime
    attached_by: UUID | None


@dataclass(frozen=True)
class Producer:
    """Who says so, where a single placement does not name anybody."""

    node_kind: str | None = None
    node_id: str | None = None
    producer_version: str | None = None


@dataclass(frozen=True)
class Applied:
    """What became of a request to put several tags on an asset and take others off."""

    tags: Sequence[Tag]
    total: int
    applied: int
    """Placements that are new, or of which the producer now says something else."""
    withdrawn: int
    """Placements that are gone."""


def tag_asset(uow: UnitOfWork, actor: Actor, asset_id: UUID, wanted: Values) -> tuple[Tag, Placement, bool]:
    """Put a tag on an asset: the one of that id, or of that name and collection, made now if there is none.

    Gives the tag, where it is put, and whether that is new.
    """
    asset = _hold(uow, actor, asset_id, Permission.TAG_ASSET)
    tags = _resolve(uow, actor, [wanted])
    row = _row(tags[0], wanted, Producer())
    outcome = _put(uow, actor, asset, [row])
    return tags[0], _find(uow, asset_id, row), any(outcome)


def apply_tags(
    uow: UnitOfWork, actor: Actor, asset_id: UUID, wanted: Sequence[Values], withdraw: Sequence[UUID],
    producer: Producer,
) -> Applied:  # fmt: skip
    """Put tags on an asset and take others off, all or nothing.

    If the producer is named, only its own placements are taken off, and those of people and other nodes stay.
    """
    needed = [Permission.TAG_ASSET] * bool(wanted) + [Permission.UNTAG_ASSET] * bool(withdraw)
    asset = _hold(uow, actor, asset_id, *needed)
    tags = _resolve(uow, actor, wanted)
    conditions: list[Any] = [AssetTag.tag_id.in_(list(withdraw))]
    if producer.node_kind is not None:
        conditions += [
            AssetTag.node_kind == producer.node_kind,
            AssetTag.node_id.is_not_distinct_from(producer.node_id),
        ]
    withdrawn = len(_remove(uow, asset_id, *conditions)) if withdraw else 0
    rows = [_row(tag, values, producer) for tag, values in zip(tags, wanted, strict=True)]
    outcome = _put(uow, actor, asset, rows, has_changed=bool(withdrawn))
    return Applied(list(dict.fromkeys(tags)), len(wanted), len(outcome), withdrawn)


def tag_new_assets(uow: UnitOfWork, actor: Actor, wanted: Mapping[UUID, Sequence[Values]]) -> None:
    """Put tags, named by name and collection, on assets that were just made. The actor may tag everything."""
    named = {_name(values): _new_tag(values) for tags in wanted.values() for values in tags}
    tags_by_name = ensure_tags(uow, actor, named) if named else {}
    rows: list[Values] = []
    for asset_id in sorted(wanted):
        placed = [_row(tags_by_name[_name(values)], values, Producer()) for values in wanted[asset_id]]
        rows += _placements(asset_id, placed)
        tag_ids = sorted({str(row["tag_id"]) for row in placed})
        uow.publish(NewEvent(ASSET_TAGGED, actor.space_id, asset_id, actor.user_id, {"tagUuids": tag_ids}))
    if rows:
        uow.execute(_PUT, user=actor.user_id, rows=as_rows(rows))


def untag_asset(uow: UnitOfWork, actor: Actor, asset_id: UUID, tag_id: UUID) -> None:
    """Take a tag off an asset, wherever on it it is; harmless if it is not."""
    asset = _hold(uow, actor, asset_id, Permission.UNTAG_ASSET)
    if _remove(uow, asset_id, AssetTag.tag_id == tag_id):
        ASSETS.touch(uow, actor, asset)


def remove_placement(uow: UnitOfWork, actor: Actor, asset_id: UUID, placement_id: UUID) -> None:
    """Take a tag off one place.

    Raises:
        NotFound: when the asset has no such placement.
    """
    asset = _hold(uow, actor, asset_id, Permission.UNTAG_ASSET)
    if not _remove(uow, asset_id, AssetTag.id == placement_id):
        raise NotFound(f"Cannot find tag placement with uuid '{placement_id}'")
    ASSETS.touch(uow, actor, asset)


def placements_of(uow: UnitOfWork, asset_id: UUID, tags: Iterable[Tag]) -> dict[UUID, list[Placement]]:
    """Give where these tags are on an asset that the actor is known to see, by the ids of the tags."""
    found: dict[UUID, list[Placement]] = {tag.id: [] for tag in tags}
    rows: Any = uow.execute(_PLACEMENTS, asset=asset_id, tags=list(found)).all() if found else ()
    for tag_id, *placement in rows:
        found[tag_id].append(Placement(*placement))
    return found


def _hold(uow: UnitOfWork, actor: Actor, asset_id: UUID, *permissions: Permission) -> Asset:
    """Give the asset, locked, if these permissions cover it."""
    asset = get_asset(uow, actor, asset_id, lock=True)
    for permission in permissions:
        require_covering(uow, actor, asset_id, permission)
    return asset


def _resolve(uow: UnitOfWork, actor: Actor, wanted: Sequence[Values]) -> list[Tag]:
    """Give the tag that each of these means; those that exist are locked before any is made."""
    ids = {values["uuid"] for values in wanted if values.get("uuid")}
    by_id = hold_tags(uow, actor, ids) if ids else {}
    if unknown := sorted(ids - by_id.keys()):
        raise InvalidInput(f"uuid: {TAGS.missing(unknown[0])}")
    named = {_name(values): _new_tag(values) for values in wanted if not values.get("uuid")}
    by_name = ensure_tags(uow, actor, named) if named else {}
    return [by_id[values["uuid"]] if values.get("uuid") else by_name[_name(values)] for values in wanted]


def _name(values: Values) -> tuple[str, str]:
    return values.get("collection") or DEFAULT_TAG_COLLECTION, values["name"]


def _new_tag(values: Values) -> Values:
    given = {name: values[name] for name in _NEW_TAG if values.get(name) is not None}
    return {"collection": DEFAULT_TAG_COLLECTION, **given}


def _row(tag: Tag, values: Values, producer: Producer) -> Values:
    row = {**vars(producer), **{name: values[name] for name in _COLUMNS if values.get(name) is not None}}
    row["node_kind"] = row.get("node_kind") or MANUAL
    # An area of which nothing is said is the whole asset.
    row["area"] = row.get("area") or None
    return {"tag_id": tag.id, "confidence": None, **row}


def _key(row: Values) -> tuple[Any, ...]:
    area = orjson.dumps(row["area"], option=orjson.OPT_SORT_KEYS)
    return str(row["tag_id"]), row["node_kind"], row["node_id"] or "", row["node_id"] is None, area


def _put(
    uow: UnitOfWork, actor: Actor, asset: Asset, rows: Sequence[Values], *, has_changed: bool = False
) -> list[bool]:  # fmt: skip
    """Write placements. Gives for each that is not as it was whether it is new."""
    ordered = _placements(asset.id, rows)
    written: Any = uow.execute(_PUT, user=actor.user_id, rows=as_rows(ordered)).all() if ordered else []
    if written:
        tag_ids = sorted({str(row["tag_id"]) for row in rows})
        uow.publish(NewEvent(ASSET_TAGGED, actor.space_id, asset.id, actor.user_id, {"tagUuids": tag_ids}))
    if written or has_changed:
        ASSETS.touch(uow, actor, asset)
    return [bool(row[1]) for row in written]


def _placements(asset_id: UUID, rows: Sequence[Values]) -> list[Values]:
    """Give each placement once, in the order of their key."""
    distinct = {_key(row): {**row, "id": new_id_text(), "asset_id": asset_id} for row in rows}
    return [distinct[key] for key in sorted(distinct)]


def _remove(uow: UnitOfWork, asset_id: UUID, *conditions: Any) -> Sequence[UUID]:
    query = delete(AssetTag).where(AssetTag.asset_id == asset_id, *conditions).returning(AssetTag.id)
    return uow.session.execute(query).scalars().all()


def _find(uow: UnitOfWork, asset_id: UUID, row: Values) -> Placement:
    """Give the placement that was just written, or was there."""
    query = select(AssetTag).where(
        AssetTag.asset_id == asset_id,
        AssetTag.tag_id == row["tag_id"],
        AssetTag.node_kind == row["node_kind"],
        AssetTag.node_id.is_not_distinct_from(row["node_id"]),
        AssetTag.area.is_not_distinct_from(row["area"]),
    )
    put = uow.session.execute(query.execution_options(populate_existing=True)).scalar_one()
    return Placement(
        put.id,
        put.area,
        put.node_kind,
        put.node_id,
        put.producer_version,
        put.confidence,
        put.attached,
        put.attached_by,
    )
