"""Rows of the table of access: what machines propose about what is alike, and what people look for."""

from __future__ import annotations

from typing import Any

from models import entities as e
from models.entities import DedupRole
from models.permissions import Permission
from tests.support import access_makers as make
from tests.support.access import Made, Reach, Row, each, plain, row
from tests.support.access_world import World


def _dedup_group(world: World) -> Any:
    assets = [make.asset(world), make.asset(world)]
    group = world.add(e.DedupGroup, algorithm="phash+dhash", score=0.9, members_key=world.word())
    for asset, role in zip(assets, DedupRole, strict=True):
        world.insert(e.DedupMember(group_id=group, asset_id=asset, role=role, score=1.0, size=1))
    return group


def _two(it: Made) -> dict[str, Any]:
    members = [{"assetUuid": str(it[name])} for name in ("one", "other")]
    return {"algorithm": "a", "keepAssetUuid": str(it["one"]), "members": members}


DEDUPS: list[Row] = [
    *plain(
        "/dedup-groups", _dedup_group, create=_two, change={"reviewStatus": "CONFIRMED"},
        make_parts=each(one=make.asset, other=make.asset), reach=Reach.ELEMENT, unseen=400,
    ),
    row("POST", "/dedup-groups/find", body={}, status=202),
    row("POST", "/dedup-groups/apply", body={}, status=202, also=(Permission.UPDATE_ASSET_LOCATION,)),
]  # fmt: skip
ROWS = DEDUPS
