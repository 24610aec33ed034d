"""Rows of the table of access: assets, their bytes, pools, tasks, searches."""

from __future__ import annotations

from typing import Any

from models.permissions import Permission
from tests.support import access_makers as make
from tests.support.access import Made, Reach, Row, each, plain, row, rows
from tests.support.access_parts import DIAGNOSTIC, diagnosed_task
from tests.support.access_world import Caller


def _whole(it: Made) -> dict[str, Any]:
    return {"file": {"filename": "b.txt", "size": 1, "mimeType": "text/plain"}, "hashes": None, "tags": None,
            "meta": None}  # fmt: skip


def _addressed(path: str, maker: Any) -> list[Row]:
    """An asset by either of its addresses."""
    one = each(key=maker)
    return [
        row("GET", path, one),
        *rows(("POST", "PATCH"), path, one, body={"meta": {"a": 1}}),
        row("PUT", path, one, body=_whole),
        row("DELETE", path, one),
    ]


ASSETS: list[Row] = [
    row("GET", "/assets", each(asset_id=make.asset)),
    row("POST", "/assets", body=lambda it: {"sha512": it["sha512"], "filename": "a.txt"}, status=201),
    row(
        "POST",
        "/assets/bulk/create",
        body=lambda it: {"assets": [{"sha512": it["sha512"], "filename": "a"}]},
        status=202,
    ),
    row(
        "POST",
        "/assets/bulk/update",
        reach=Reach.NOTHING,
        body=lambda it: {"assets": [{"hashes": {"sha512": it["sha512"]}, "update": {}}]},
        status=202,
    ),
    *[
        row("POST", f"/assets/bulk/{action}", reach=Reach.NOTHING, body={"filter": ["name[eq]=x"], **body}, status=202)
        for action, body in (("change", {"update": {}}), ("tag", {"tags": [{"name": "a"}]}), ("delete", {}))
    ],
    row("POST", "/assets/import", body={"url": "https://loom.invalid/a.txt"}, status=202),
    row("POST", "/assets/bulk/check", reach=Reach.NOTHING, body=lambda it: {"hashes": [it["sha512"]]}),
    *_addressed("/assets/<uuid:key>", make.asset),
    *_addressed("/assets/sha512/<string:key>", make.asset_hash),
]
_BINARY = "/assets/<uuid:asset_id>/binary"
_STORED = each(asset_id=make.stored_asset)
BINARIES: list[Row] = [
    row("POST", "/assets/upload", body=b"bytes", query={"filename": "a.txt"}, status=202),
    *[row("POST", path, make.awaited_bytes, body=lambda it: it["data"], query={"filename": "a.txt"}, status=202)
      for path in (_BINARY, f"{_BINARY}/data")],
    row("GET", _BINARY, _STORED),
    row("GET", f"{_BINARY}/data", _STORED),
    row("DELETE", _BINARY, _STORED),
    row("GET", "/assets/<uuid:asset_id>/binaries", _STORED),
]  # fmt: skip
_UPLOAD = each(upload_id=make.upload)
_TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
_NOT_THEIRS = {Caller.EDITOR: 404}
"""An upload is for whoever has begun it."""
UPLOADS: list[Row] = [
    row("POST", "/uploads", headers={**_TUS, "Upload-Length": "3"}, body=b"abc", status=201),
    row("GET", "/uploads/<uuid:upload_id>", _UPLOAD, differs=_NOT_THEIRS),
    row("PATCH", "/uploads/<uuid:upload_id>", _UPLOAD, headers={**_TUS, "Upload-Offset": "0"}, body=b"abc", status=204,
        differs=_NOT_THEIRS),
    row("POST", "/uploads/<uuid:upload_id>", _UPLOAD, status=204, differs=_NOT_THEIRS,
        headers={**_TUS, "X-HTTP-Method-Override": "DELETE"}),
    row("DELETE", "/uploads/<uuid:upload_id>", _UPLOAD, headers=_TUS, differs=_NOT_THEIRS),
]  # fmt: skip
_TAGS = "/assets/<uuid:asset_id>/tags"
TAGGING: list[Row] = [
    row("GET", _TAGS, make.tagged_asset),
    row("POST", _TAGS, each(asset_id=make.asset, tag_id=make.tag), body=lambda it: {"uuid": str(it["tag_id"])},
        status=201),
    row("PUT", _TAGS, each(asset_id=make.asset, tag_id=make.tag),
        body=lambda it: {"tags": [{"uuid": str(it["tag_id"])}]}, also=(Permission.TAG_ASSET,)),
    row("DELETE", f"{_TAGS}/<uuid:tag_id>", make.tagged_asset),
    row("DELETE", "/assets/<uuid:asset_id>/tag-placements/<uuid:placement_id>", make.tagged_asset),
]  # fmt: skip
_POOL = each(element_id=make.pool)
POOLS: list[Row] = [
    row("GET", "/asset-pools", _POOL),
    # No folder of the server is given to the space of the stranger.
    row("POST", "/asset-pools", each(folder=make.folder), body=lambda it: {"name": it["word"], "fsPath": it["folder"]},
        status=201, differs={Caller.STRANGER: 400}),
    row("GET", "/asset-pools/<uuid:element_id>", _POOL),
    *rows(("POST", "PATCH"), "/asset-pools/<uuid:element_id>", _POOL, body={"meta": {"a": 1}}),
    row("DELETE", "/asset-pools/<uuid:element_id>", _POOL),
    row("POST", "/asset-pools/<uuid:element_id>/scan", _POOL, status=202),
    row("GET", "/asset-pools/<uuid:element_id>/scans", _POOL),
]  # fmt: skip
_ENDED, _WAITING = each(task_id=make.ended_task), each(task_id=make.waiting_task)
_TASK = "/tasks/<uuid:task_id>"
TASKS: list[Row] = [
    row("GET", "/tasks", _ENDED, reads=Permission.READ_TASK),
    # A sweep concerns all spaces.
    row("POST", "/tasks", body={"kind": "maintenance.sweep"}, status=202, also=(Permission.MANAGE_SEARCH_INDEX,),
        differs={Caller.STRANGER: 403}),
    row("GET", "/tasks/kinds", reach=Reach.NOTHING),
    row("GET", _TASK, _ENDED, reads=Permission.READ_TASK),
    *rows(("POST", "PATCH"), _TASK, _ENDED, body={"title": "B"}, reads=Permission.READ_TASK,
          also=(Permission.UPDATE_TASK,)),
    row("DELETE", _TASK, _ENDED, reads=Permission.READ_TASK, also=(Permission.DELETE_TASK,)),
    row("GET", f"{_TASK}/items", _ENDED, reads=Permission.READ_TASK),
    row("GET", f"{_TASK}/diagnostics", _ENDED, reads=Permission.READ_TASK, also=(Permission.UPDATE_TASK,)),
    row("GET", f"{_TASK}/diagnostics/<string:name>", each(task_id=diagnosed_task, name=lambda _: DIAGNOSTIC),
        reads=Permission.READ_TASK, also=(Permission.UPDATE_TASK,)),
    row("POST", f"{_TASK}/cancel", _WAITING, status=202, reads=Permission.READ_TASK, also=(Permission.UPDATE_TASK,)),
    row("POST", f"{_TASK}/retry", _ENDED, status=202, reads=Permission.READ_TASK,
        also=(Permission.UPDATE_TASK, Permission.MANAGE_SEARCH_INDEX)),
    row("GET", "/assets/<uuid:asset_id>/tasks", each(asset_id=make.asset)),
]  # fmt: skip
_INDEX, _TEXT = "/search-indices/<string:index_id>", each(index_id=lambda _: "text")
_JOB = each(index_id=lambda _: "text", job_id=make.index_job)
SEARCHES: list[Row] = [
    row("GET", "/search/assets", make.indexed_asset),
    row("GET", "/search/results", make.indexed_asset),
    row("GET", "/search/suggestions", reach=Reach.NOTHING),
    row("GET", "/search/status", reach=Reach.NOTHING),
    row("GET", "/search-indices", reach=Reach.NOTHING),
    row("GET", _INDEX, _TEXT, reach=Reach.NOTHING),
    row("GET", f"{_INDEX}/jobs", _TEXT, reach=Reach.NOTHING),
    # Indexes are for all spaces.
    row(
        "POST",
        f"{_INDEX}/jobs",
        _TEXT,
        body={"action": "DELTA_SYNC"},
        status=202,
        reach=Reach.NOTHING,
        differs={Caller.STRANGER: 403},
    ),
    row("GET", f"{_INDEX}/jobs/<uuid:job_id>", _JOB),
    row("DELETE", f"{_INDEX}/jobs/<uuid:job_id>", _JOB, differs={Caller.STRANGER: 403}),
]
BLACKLISTS: list[Row] = [
    *plain(
        "/blacklists", make.blacklisted, create=lambda it: {"sha512": it["sha512"]}, change={"name": "A"},
        whole=lambda it: {"name": None, "type": None, "sha512": it["sha512"], "assetUuid": None, "meta": None},
    ),
    row("POST", "/blacklists/<uuid:element_id>/review", each(element_id=make.blacklisted)),
]  # fmt: skip
ROWS = [*ASSETS, *BINARIES, *UPLOADS, *TAGGING, *POOLS, *TASKS, *SEARCHES, *BLACKLISTS]
