"""What a run of a pipeline must know of assets before it looks at them: a few statements for a whole part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, Text, Uuid, any_, cast, literal, select

from models.entities import Asset
from models.permissions import Actor
from models.services.asset_blocks import Place
from models.services.asset_bytes import AssetSource
from models.services.assets import ASSETS
from models.services.unwanted import is_listed
from models.storage import blob_key
from models.unit_of_work import UnitOfWork, as_array

_MOST_PLACES = 16


@dataclass
class RunAsset:
    """An asset as a run needs it. `known` are outputs of earlier results by kind of node and key."""

    id: UUID
    sha512: str
    size: int
    mime_type: str
    filename: str
    first_seen: datetime
    source: AssetSource
    places: Sequence[Place] = ()
    is_blacklisted: bool = False
    tags: Sequence[str] = ()
    ratings: Sequence[int] = ()
    known: dict[tuple[str, bytes], dict[str, Any]] = field(default_factory=dict)


def load_run_assets(uow: UnitOfWork, actor: Actor, asset_ids: Sequence[UUID]) -> dict[UUID, RunAsset]:
    """Give those of the assets that there are and that the actor may read."""
    query = select(
        Asset.id, Asset.sha512, Asset.size, Asset.mime_type, Asset.filename, Asset.first_seen, Asset.blob_sha512,
        is_listed(Asset),
    ).where(
        Asset.id == any_(cast(literal(as_array(asset_ids), Text), ARRAY(Uuid))), Asset.space_id == actor.space_id,
        ASSETS.visible(actor),
    )  # fmt: skip
    rows = uow.session.execute(query).all()
    places = _places(uow, [row[0] for row in rows])
    found: dict[UUID, RunAsset] = {}
    for row in rows:
        asset_id, where, blob, is_blacklisted = row[0], places[row[0]], row[6], row[7]
        source = AssetSource(row[2], blob_key(blob) if blob else None, () if blob else where)
        found[asset_id] = RunAsset(*row[:6], source, where, is_blacklisted)
    _add_opinions(uow, found)
    _add_known(uow, found)
    return found


def _places(uow: UnitOfWork, asset_ids: Sequence[UUID]) -> dict[UUID, list[Place]]:
    """Give where these lie in pools."""
    rows = uow.fetch(
        """SELECT asset_id, location.id, pool_id, fs_path, path, state, device, inode, size, mtime_ns, last_seen
           FROM unnest(CAST(%(ids)s AS uuid[])) AS wanted (id), LATERAL (
               SELECT location.*, pool.fs_path FROM location JOIN pool ON pool.id = pool_id
               WHERE asset_id = wanted.id AND state = 'PRESENT' ORDER BY location.id LIMIT %(most)s) AS location""",
        ids=as_array(asset_ids),
        most=_MOST_PLACES,
    )
    found: dict[UUID, list[Place]] = defaultdict(list)
    for asset_id, *place in rows:
        found[asset_id].append(Place(*place))
    return found


def _add_opinions(uow: UnitOfWork, assets: dict[UUID, RunAsset]) -> None:
    """Add the names of the tags and the stars that people gave."""
    rows = uow.fetch(
        """SELECT wanted.id, ARRAY(SELECT DISTINCT name FROM asset_tag JOIN tag ON tag.id = tag_id
                                   WHERE asset_id = wanted.id ORDER BY name),
                  ARRAY(SELECT rating FROM reaction WHERE asset_id = wanted.id AND rating IS NOT NULL
                        AND comment_id IS NULL AND annotation_id IS NULL)
           FROM unnest(CAST(%(ids)s AS uuid[])) AS wanted (id)""",
        ids=as_array(list(assets)),
    )
    for asset_id, tags, ratings in rows:
        assets[asset_id].tags, assets[asset_id].ratings = tags, ratings


def _add_known(uow: UnitOfWork, assets: dict[UUID, RunAsset]) -> None:
    """Add what is known. A result that has made a file counts as long as the asset has that attachment."""
    ids = as_array(list(assets))
    rows = uow.fetch(
        """SELECT asset_id, kind, key, CAST(outputs AS text) FROM node_result
           WHERE asset_id = ANY(CAST(%(ids)s AS uuid[]))""",
        ids=ids,
    )
    attached = set(
        uow.fetch(
            """SELECT asset_id, encode(blob_sha512, 'hex') FROM attachment
               WHERE asset_id = ANY(CAST(%(ids)s AS uuid[])) AND node_kind IS NOT NULL""",
            ids=ids,
        )
    )
    for asset_id, kind, key, spelt in rows:
        outputs = orjson.loads(spelt)
        if '"artifact"' not in spelt or all((asset_id, made) in attached for made in _made(outputs)):
            assets[asset_id].known[kind, bytes(key)] = outputs


def _made(outputs: dict[str, Any]) -> list[str]:
    values = chain.from_iterable(value if isinstance(value, list) else [value] for value in outputs.values())
    return [value["artifact"] for value in values if isinstance(value, dict) and "artifact" in value]
