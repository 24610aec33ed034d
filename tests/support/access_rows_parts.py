"""Rows of the table of access: what assets are made of and where they lie, and pictures of users."""

from __future__ import annotations

from typing import Any

from tests.support import access_makers as make
from tests.support import access_parts as parts
from tests.support.access import Made, Make, Reach, Row, each, plain, row, rows
from tests.support.access_world import Caller

_ON_ASSET = each(asset_id=make.asset)
_NAMED: dict[str, Any] = {"make_parts": _ON_ASSET, "reach": Reach.ELEMENT, "unseen": 400}
"""Of what is made for an asset that the body names."""


def _asset(it: Made) -> dict[str, Any]:
    return {"assetUuid": str(it["asset_id"])}


_IMAGE: dict[str, Any] = {"type": "IMAGE", "image": {"width": 1}}
_CHANGED = {"source": None, "image": {"width": 2}, "meta": None}
COMPONENTS: list[Row] = [
    *plain(
        "/asset-components", parts.component, create=lambda it: {**_IMAGE, **_asset(it)}, change={"source": "A"},
        whole=_CHANGED, **_NAMED,
    ),
    row("GET", "/assets/<uuid:asset_id>/components", _ON_ASSET),
    row("POST", "/assets/<uuid:asset_id>/components", _ON_ASSET, body=_IMAGE, status=201),
    row("GET", "/assets/<uuid:asset_id>/components/<uuid:element_id>", parts.component_of_asset),
    *rows(("POST", "PATCH"), "/assets/<uuid:asset_id>/components/<uuid:element_id>", parts.component_of_asset,
          body={"source": "A"}),
    row("PUT", "/assets/<uuid:asset_id>/components/<uuid:element_id>", parts.component_of_asset, body=_CHANGED),
    row("DELETE", "/assets/<uuid:asset_id>/components/<uuid:element_id>", parts.component_of_asset),
]  # fmt: skip
EMBEDDINGS: list[Row] = [
    *plain(
        "/embeddings", parts.embedding, create=lambda it: {"vector": [1, 2], **_asset(it)}, change={"source": "A"},
        **_NAMED,
    ),
    row("PUT", "/embeddings/<uuid:element_id>", each(element_id=parts.embedding, asset_id=make.asset),
        body=lambda it: {"vector": [1, 2], "type": "A", "source": None, "area": None, "meta": None, **_asset(it)}),
    row("GET", "/assets/<uuid:asset_id>/embeddings", _ON_ASSET),
    row("POST", "/assets/<uuid:asset_id>/embeddings", _ON_ASSET, body={"vector": [1, 2]}, status=201),
    row("POST", "/assets/<uuid:asset_id>/embeddings/bulk", _ON_ASSET, body={"embeddings": [{"vector": [1, 2]}]}),
    row("POST", "/embeddings/search", body={"vector": [1, 2]}),
    row("GET", "/assets/<uuid:asset_id>/similar-assets", _ON_ASSET),
    row("POST", "/search/by-image", body=b"bytes", query={"filename": "a.png"}, status=202),
    row("POST", "/similarity-index/rebuild", status=204),
]  # fmt: skip
_FILE: dict[str, Any] = {"body": b"bytes", "status": 202}
_ATTACHMENT, _ON_EMBEDDING = each(element_id=parts.attachment), each(embedding_id=parts.embedding)
ATTACHMENTS: list[Row] = [
    row("GET", "/attachments", _ATTACHMENT),
    row("POST", "/attachments", _ON_ASSET, query=lambda it: {"filename": "a.txt", **_asset(it)}, reach=Reach.ELEMENT,
        unseen=400, **_FILE),
    row("GET", "/attachments/<uuid:element_id>", _ATTACHMENT),
    row("GET", "/attachments/<uuid:element_id>/data", _ATTACHMENT),
    *rows(("POST", "PATCH"), "/attachments/<uuid:element_id>", _ATTACHMENT, body={"filename": "b.txt"}),
    row("PUT", "/attachments/<uuid:element_id>", _ATTACHMENT,
        body={"filename": "b.txt", "mimeType": "text/plain", "meta": None}),
    row("DELETE", "/attachments/<uuid:element_id>", _ATTACHMENT),
    row("GET", "/assets/<uuid:asset_id>/attachments", _ON_ASSET),
    row("GET", "/embeddings/<uuid:embedding_id>/attachments", _ON_EMBEDDING),
    row("POST", "/embeddings/<uuid:embedding_id>/attachments", _ON_EMBEDDING, query={"filename": "a.txt"}, **_FILE),
]  # fmt: skip
_LOCATION = each(location_id=parts.location)
LOCATIONS: list[Row] = [
    row("GET", "/asset-locations", _LOCATION),
    row("GET", "/asset-locations/<uuid:location_id>", _LOCATION),
    *rows(("POST", "PATCH"), "/asset-locations/<uuid:location_id>", _LOCATION, body={"license": "A"}),
    row("DELETE", "/asset-locations/<uuid:location_id>", _LOCATION),
]


def _place(it: Made) -> dict[str, Any]:
    return {"filesystem": {"path": f"/{it['word']}"}}


BINARIES: list[Row] = plain(
    "/asset-binaries", parts.declared_binary, create=lambda it: {**_place(it), **_asset(it)},
    change={"meta": {"a": 1}},
    whole=lambda it: {"libraryUuid": None, "poolUuid": None, **_place(it), "s3": None, "meta": None}, **_NAMED,
)  # fmt: skip


def _avatars(path: str, pictured: Make, **more: Any) -> list[Row]:
    """The picture of a user; `more` is about changing it."""
    reach = {} if "<" in path else {"reach": Reach.NOTHING}
    return [
        row("GET", path, pictured, **reach),
        row("GET", f"{path}/data", pictured, **reach),
        row("POST", path, pictured, query={"filename": "a.png"}, **_FILE, **reach, **more),
        row("DELETE", path, pictured, **reach, **more),
    ]


AVATARS: list[Row] = [
    *_avatars("/users/<uuid:user_id>/avatar", each(user_id=parts.pictured_user)),
    *_avatars("/me/avatar", parts.everybody_pictured, differs={Caller.KEY: 403}),
]
ROWS = [*COMPONENTS, *EMBEDDINGS, *ATTACHMENTS, *LOCATIONS, *BINARIES, *AVATARS]
