"""Rows of the table of access: libraries, collections, tags, what people say, pipelines, and Loom itself."""

from __future__ import annotations

from typing import Any

from models.bus import Order
from models.entities import Annotation, Asset, Comment
from models.permissions import Permission
from tests.support import access_makers as make
from tests.support.access import Made, Reach, Row, each, plain, row, rows
from tests.support.access_world import Caller


def _named(it: Made) -> dict[str, Any]:
    return {"name": it["word"]}


def _asset(it: Made) -> dict[str, Any]:
    return {"assetUuid": str(it["asset_id"])}


def _assets(it: Made) -> dict[str, Any]:
    return {"assetUuids": [str(it["asset_id"])]}


_IN_LIBRARY = each(library_id=make.library, asset_id=make.asset)
LIBRARIES: list[Row] = [
    *plain(
        "/libraries", make.library, create=_named, change={"description": "A"},
        whole=lambda it: {"name": it["word"], "description": None, "poolUuid": None, "poolUuids": [], "meta": None},
        own={Caller.SCOPED: 1},
    ),
    row("GET", "/libraries/<uuid:library_id>/assets", make.library_member),
    row("POST", "/libraries/<uuid:library_id>/assets", _IN_LIBRARY, body=_asset, status=201),
    row("PUT", "/libraries/<uuid:library_id>/assets", _IN_LIBRARY, body=_assets),
    row("DELETE", "/libraries/<uuid:library_id>/assets/<uuid:asset_id>", make.library_member),
    row("GET", "/assets/<uuid:asset_id>/libraries", make.library_member),
]  # fmt: skip
_IN_COLLECTION = each(collection_id=make.collection, asset_id=make.asset)
COLLECTIONS: list[Row] = [
    *plain(
        "/collections", make.collection, create=_named, change={"description": "A"},
        whole=lambda it: {"name": it["word"], "description": None, "parentUuid": None, "query": None,
                          "meta": None},
    ),
    row("GET", "/collections/<uuid:collection_id>/assets", make.collection_member),
    row("POST", "/collections/<uuid:collection_id>/assets", _IN_COLLECTION, body=_asset, status=201),
    row("PUT", "/collections/<uuid:collection_id>/assets", _IN_COLLECTION, body=_assets),
    row("POST", "/collections/<uuid:collection_id>/assets/move", make.collection_member, body=_assets),
    row("DELETE", "/collections/<uuid:collection_id>/assets/<uuid:asset_id>", make.collection_member),
    row("GET", "/assets/<uuid:asset_id>/collections", make.collection_member),
]  # fmt: skip
_RATING = "/tags/<uuid:element_id>/rating"
TAGS: list[Row] = [
    *plain(
        "/tags", make.tag, create=_named, change={"color": "ffffff"},
        whole=lambda it: {"name": it["word"], "collection": None, "color": None, "meta": None},
    ),
    row("POST", _RATING, each(element_id=make.tag), body={"rating": 5}),
    row("GET", _RATING, each(element_id=make.rated_tag)),
    row("DELETE", _RATING, each(element_id=make.rated_tag)),
]  # fmt: skip
_ON_ASSET = each(asset_id=make.asset)
COMMENTS: list[Row] = [
    *plain(
        "/comments", make.comment, create=lambda it: {"text": "A", **_asset(it)}, reach=Reach.ELEMENT,
        make_parts=_ON_ASSET, change={"title": "A"}, whole={"title": None, "text": "A", "meta": None},
    ),
    row("GET", "/assets/<uuid:asset_id>/comments", _ON_ASSET),
    row("POST", "/assets/<uuid:asset_id>/comments", _ON_ASSET, body={"text": "A"}, status=201),
    row("GET", "/annotations/<uuid:annotation_id>/comments", each(annotation_id=make.annotation)),
    row("POST", "/annotations/<uuid:annotation_id>/comments", each(annotation_id=make.annotation), body={"text": "A"},
        status=201),
]  # fmt: skip
_NOTE = {"type": "FEEDBACK", "title": "A"}
ANNOTATIONS: list[Row] = [
    *plain(
        "/annotations", make.annotation, create=lambda it: {**_NOTE, **_asset(it)}, reach=Reach.ELEMENT,
        make_parts=_ON_ASSET, change={"title": "A"},
        whole={**_NOTE, "description": None, "area": None, "meta": None},
    ),
    row("GET", "/assets/<uuid:asset_id>/annotations", _ON_ASSET),
    row("POST", "/assets/<uuid:asset_id>/annotations", _ON_ASSET, body=_NOTE, status=201),
]  # fmt: skip


def _reactions(plural: str, column: str, maker: Any, model: Any) -> list[Row]:
    """The reactions to one kind of element."""
    path, whole = f"/{plural}/<uuid:target_id>/reactions", make.reaction_to(column, maker, model)
    one, change = f"{path}/<uuid:reaction_id>", {"also": (Permission.UPDATE_REACTION,)}
    return [
        row("GET", path, whole),
        row("POST", path, each(target_id=maker), body={"type": "LIKE"}, status=201),
        row("GET", one, whole),
        *rows(("POST", "PATCH"), one, whole, body={"rating": 1}, **change),
        row("PUT", one, whole, body={"type": "LIKE", "rating": None, "meta": None}, **change),
        row("DELETE", one, whole, also=(Permission.DELETE_REACTION,)),
    ]


REACTIONS: list[Row] = [
    *_reactions("assets", "asset_id", make.asset, Asset),
    *_reactions("comments", "comment_id", make.comment, Comment),
    *_reactions("annotations", "annotation_id", make.annotation, Annotation),
    row("GET", "/reactions", each(element_id=make.reaction)),
    row("GET", "/reactions/<uuid:element_id>", each(element_id=make.reaction)),
    row("DELETE", "/reactions/<uuid:element_id>", each(element_id=make.reaction), also=(Permission.DELETE_REACTION,)),
]
_VERSION = each(element_id=make.pipeline)
_RUNS = "/pipelines/<uuid:element_id>/runs"
_KIND = each(kind=lambda world: world.word())
PIPELINES: list[Row] = [
    *plain(
        "/pipelines", make.pipeline, create=_named, change={"description": "A"},
        whole=lambda it: {
            "name": it["word"], "description": None, "enabled": True, "priority": 0, "dryRun": False,
            "definition": None, "trigger": None, "meta": None,
        },
    ),
    row("POST", "/pipelines/validate", reach=Reach.NOTHING, body={"definition": {}}),
    row("GET", "/pipelines/<uuid:element_id>/versions", _VERSION),
    row("GET", "/pipelines/<uuid:element_id>/versions/<int:number>", lambda world: {**_VERSION(world), "number": 1}),
    row("GET", "/pipelines/<uuid:element_id>/versions/<int:number>/changes",
        lambda world: {**_VERSION(world), "number": 1}),
    row("POST", "/pipelines/<uuid:element_id>/versions/<int:number>/restore",
        lambda world: {**_VERSION(world), "number": 1}, status=201),
    # It has no definition, so it cannot run.
    row("POST", "/pipelines/<uuid:element_id>/run", _VERSION, body={"filter": ["name[eq]=x"]}, status=400),
    *rows(("GET",), f"{_RUNS}", make.pipeline_run),
    *rows(("GET",), f"{_RUNS}/<uuid:run_id>", make.pipeline_run),
    row("POST", f"{_RUNS}/<uuid:run_id>/cancel", make.pipeline_run, status=200),
    row("POST", f"{_RUNS}/<uuid:run_id>/pause", make.pipeline_run, status=200),
    row("POST", f"{_RUNS}/<uuid:run_id>/resume", make.pipeline_run, status=200),
    # It has not ended, so there is nothing to try again.
    row("POST", f"{_RUNS}/<uuid:run_id>/retry", make.pipeline_run, status=409),
    row("GET", f"{_RUNS}/<uuid:run_id>/items", make.pipeline_run),
    row("GET", f"{_RUNS}/<uuid:run_id>/items/<uuid:item_id>/tasks", make.pipeline_run),
    row("GET", "/node-descriptors", reach=Reach.NOTHING),
    # There is no such kind of node.
    row("GET", "/node-descriptors/<string:kind>", _KIND, reach=Reach.NOTHING, status=404),
    row("GET", "/pipeline/node-descriptors", reach=Reach.NOTHING),
    row("GET", "/pipeline/node-descriptors/<string:kind>", _KIND, reach=Reach.NOTHING, status=404),
    row("GET", "/pipeline/content-types", reach=Reach.NOTHING),
    row("GET", "/processors", reach=Reach.NOTHING),
    *[row("POST", f"/processors/<string:name>/{order}", each(name=make.worker), status=202, reach=Reach.NOTHING,
          differs={Caller.STRANGER: 403}) for order in Order],
]  # fmt: skip
WEBHOOKS: list[Row] = plain(
    "/webhooks", make.webhook, create={"url": "https://example.org/hook"}, change={"active": False},
    whole={"url": "https://example.org", "triggers": [], "secretToken": None, "active": True, "libraryUuids": [],
           "collectionUuids": [], "ordering": "ALL", "maxConcurrency": 1, "maxPerSecond": None, "meta": None},
)  # fmt: skip
_HOOK, _CHANGE = "/webhooks/<uuid:element_id>", each(element_id=make.webhook)
WEBHOOKS += [
    row("GET", f"{_HOOK}/deliveries", make.delivery),
    row("GET", f"{_HOOK}/deliveries/<uuid:delivery_id>", make.delivery),
    row("POST", f"{_HOOK}/deliveries/<uuid:delivery_id>/resend", make.delivery, status=202),
    row("POST", f"{_HOOK}/ping", _CHANGE, status=202),
    row("POST", f"{_HOOK}/replay", _CHANGE, body={"sinceId": 0}, status=400),
    row("POST", f"{_HOOK}/rotate-secret", _CHANGE, body={}, status=200),
]
SERVICE: list[Row] = [
    row("GET", "", reach=Reach.NOTHING),
    row("GET", "/health"),
    row("GET", "/health/live"),
    row("GET", "/health/ready"),
    row("GET", "/events", reach=Reach.NOTHING),
    row("GET", "/openapi.json"),
    row("GET", "/openapi.yaml"),
]
ROWS = [
    *LIBRARIES, *COLLECTIONS, *TAGS, *COMMENTS, *ANNOTATIONS, *REACTIONS, *PIPELINES, *WEBHOOKS, *SERVICE,
]  # fmt: skip
