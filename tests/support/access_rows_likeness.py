"""Rows of the table of access: what machines propose about what is alike, and what people look for."""

from __future__ import annotations

from typing import Any

from models import entities as e
from models.entities import DedupRole
from models.permissions import Permission
from tests.support import access_makers as make
from tests.support.access import Made, Reach, Row, each, plain, row, rows
from tests.support.access_world import Caller, World


def _dedup_group(world: World) -> Any:
    assets = [make.asset(world), make.asset(world)]
    group = world.add(e.DedupGroup, algorithm="phash+dhash", score=0.9, members_key=world.word())
    for asset, role in zip(assets, DedupRole, strict=True):
        world.insert(e.DedupMember(group_id=group, asset_id=asset, role=role, score=1.0, size=1))
    return group


def _cluster(world: World) -> Any:
    return world.add(e.Cluster, type="FACE")


def _person(world: World) -> Any:
    return world.add(e.Person, alias=world.word())


def _saved_search(world: World) -> Any:
    return world.add(e.SavedSearch, name=world.word(), user_id=world.admin.user_id, query={})


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
_CLUSTER, _CLUSTER_PATH = each(element_id=_cluster), "/clusters/<uuid:element_id>"
CLUSTERS: list[Row] = [
    *plain("/clusters", _cluster, create={"type": "FACE"}, change={"name": "A"},
           whole={"name": None, "type": "FACE", "meta": None}),
    row("POST", "/clusters/find", body={"type": "FACE"}, status=202),
    row("GET", f"{_CLUSTER_PATH}/members", _CLUSTER),
    row("POST", f"{_CLUSTER_PATH}/confirm", _CLUSTER, body={"alias": "A"}, also=(Permission.CREATE_PERSON,)),
    row("POST", f"{_CLUSTER_PATH}/reject", _CLUSTER),
    row("DELETE", f"{_CLUSTER_PATH}/person", _CLUSTER),
    row("GET", "/assets/<uuid:asset_id>/clusters", each(asset_id=make.asset)),
    *plain("/persons", _person, create={"alias": "A"}, change={"alias": "B"},
           whole={"alias": "A", "firstname": None, "lastname": None, "meta": None}),
    row("GET", "/persons/<uuid:element_id>/clusters", each(element_id=_person)),
]  # fmt: skip
_SAVED, _OWN = each(element_id=_saved_search), {"reads": Permission.READ_SAVED_SEARCH}
_SAVED_PATH = "/saved-searches/<uuid:element_id>"
SAVED: list[Row] = [
    row("GET", "/saved-searches", _SAVED, **_OWN),
    row("POST", "/saved-searches", body=lambda it: {"name": it["word"], "query": {}}, status=201,
        differs={Caller.KEY: 403}),
    row("GET", _SAVED_PATH, _SAVED, **_OWN),
    *rows(("POST", "PATCH"), _SAVED_PATH, _SAVED, body={"meta": {"a": 1}}, also=(Permission.UPDATE_SAVED_SEARCH,),
          **_OWN),
    row("PUT", _SAVED_PATH, _SAVED, body=lambda it: {"name": it["word"], "query": {}, "meta": None},
        also=(Permission.UPDATE_SAVED_SEARCH,), **_OWN),
    row("DELETE", _SAVED_PATH, _SAVED, also=(Permission.DELETE_SAVED_SEARCH,), **_OWN),
    row("GET", f"{_SAVED_PATH}/results", each(element_id=_saved_search, index=make.indexed_asset), **_OWN),
]  # fmt: skip
ROWS = [*DEDUPS, *CLUSTERS, *SAVED]
