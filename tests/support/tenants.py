"""A space full of everything, for tests of what another space sees of it: nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.routing import Rule

from models.bus import WorkerInfo
from models.entities import Space, Task, TaskState
from models.ids import new_id
from models.messages import REINDEX, Queue
from models.permissions import Permission
from models.search import IndexHome
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.documents import Silent
from tests.support.people import make_space, make_user, sign_in
from web.blueprints import PREFIX
from workers.indexing.feed import Feed
from workers.inline import run_all

STORED, HASH, UNWANTED = b"the same bytes in both spaces", "a" * 128, "b" * 128
_IMAGE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f"
    "0005000201a5f6d1720000000049454e44ae426082"
)
_ALIASES = {"pools": "asset-pools", "binaries": "asset-binaries", "locations": "asset-locations"}
_OTHERS = {"awaiting": "assets", "unwanted": "assets"}
"""What is kept under a name of its own."""
_NO_RESOURCES = frozenset({
    "spaces", "uploads", "versions", "sha512", "tag-placements", "components", "runs", "items", "deliveries",
    "search-indices", "jobs", "sessions",
})  # fmt: skip
_PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


class Tenant:
    """A space and its administrator, who is called the same in every one."""

    def __init__(self, platform: Platform, app: Flask, name: str, folder: Path) -> None:
        self.platform, self.name, self.folder = platform, name, folder
        self.space_id = make_space(platform, name)
        with platform.unit_of_work() as uow:
            uow.session.get_one(Space, self.space_id).pool_roots = [str(folder.parent)]
            uow.commit()
        self.actor = make_user(platform, "boss", Permission, space_id=self.space_id)
        self.client: ApiClient = sign_in(app, "boss", name)
        self.ids: dict[str, str] = {}
        """What the segments of paths stand for: `assets` for an asset, and so on."""

    def work(self) -> None:
        """Let the workers and the indexer do what there is to do."""
        run_all(self.platform)
        with Feed(self.platform, IndexHome(self.platform.settings.loom_home.index), Silent()) as feed:
            feed.run_once()

    def make(self, segment: str, path: str, body: Any, expect: int = 201, **more: Any) -> str:
        """Make something by the API, and keep its id under the segment of paths that it stands for."""
        made = self.client.post(path, body, expect=expect, **more)
        self.ids[segment] = made.get("uuid") or made["placementUuid"]
        return self.ids[segment]

    def fill(self) -> None:
        """Make one of everything, under names that are the same in every space."""
        self.ids["spaces"] = str(self.space_id)
        asset = self._make_assets()
        self._make_people()
        self._make_holders(asset)
        self._make_parts(asset)
        self._make_words(asset)
        self.make("tokens", "/tokens", {"name": "key"})
        self.ids["sessions"] = self.client.get("/sessions")["data"][0]["uuid"]
        self.make("blacklists", "/blacklists", {"sha512": UNWANTED, "name": "unwanted"})
        members = [{"assetUuid": self.ids[name]} for name in ("assets", "awaiting")]
        self.make("dedup-groups", "/dedup-groups", {"algorithm": "a", "keepAssetUuid": asset, "members": members})
        self.make("clusters", "/clusters", {"name": "cluster", "type": "FACE"})
        self.make("persons", "/persons", {"alias": "person"})
        self.make("saved-searches", "/saved-searches", {"name": "saved", "query": {"q": "txt"}})
        hook = self.make("webhooks", "/webhooks", {"url": "http://127.0.0.1/hook"})
        self.make("deliveries", f"/webhooks/{hook}/ping", None, 202)
        self.client.patch(f"/webhooks/{hook}", {"active": False})  # or it would change by itself
        self._make_pipeline(asset)
        self._make_index_job()
        self.work()
        self.ids["asset-locations"] = self.client.get("/asset-locations")["data"][0]["uuid"]

    def _make_assets(self) -> str:
        task = self.make("tasks", "/assets/upload", STORED, 202, query_string={"filename": "stored.txt"})
        begin = {"Tus-Resumable": "1.0.0", "Upload-Length": "3"}
        self.make("uploads", "/uploads", None, 201, headers=begin)
        self.make("awaiting", "/assets", {"sha512": HASH, "filename": "awaiting.txt"})
        self.make("unwanted", "/assets", {"sha512": UNWANTED, "filename": "unwanted.txt"})
        self.ids["sha512"] = HASH
        self.work()
        self.ids["assets"] = self.client.get(f"/tasks/{task}")["result"]["assetUuid"]
        return self.ids["assets"]

    def _make_pipeline(self, asset: str) -> None:
        nodes = [{"id": "source", "type": "asset-source"}, {"id": "hash", "type": "md5"}]
        definition = {"nodes": nodes, "edges": [{"source": "source", "target": "hash"}]}
        pipeline = self.make("pipelines", "/pipelines", {"name": "pipeline", "definition": definition})
        self.ids["versions"] = "1"
        self.platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
        started = self.client.post(f"/pipelines/{pipeline}/run", {"mediaUuids": [asset]}, expect=202)
        self.ids["runs"], self.ids["items"] = started["runUuid"], str(UUID(int=1))

    def _make_index_job(self) -> None:
        """As an operator would; administrators of spaces may only look on."""
        self.ids["search-indices"], job = "text", new_id()
        self.ids["jobs"] = str(job)
        with self.platform.unit_of_work() as uow:
            told = {"kind": REINDEX.name, "title": "x", "payload": {}, "priority": 1, "max_attempts": 1}
            uow.session.add(Task(id=job, space_id=self.space_id, state=TaskState.SUCCEEDED, **told))
            uow.commit()

    def _make_people(self) -> None:
        user, group = self.make("users", "/users", {"username": "jane"}), self.make("groups", "/groups", {"name": "g"})
        role = self.make("roles", "/roles", {"name": "role", "permissions": ["READ_ASSET"]})
        self.client.post(f"/groups/{group}/users/{user}", expect=201)
        self.client.post(f"/groups/{group}/roles/{role}", expect=201)
        for path in (f"/users/{user}/avatar", "/me/avatar"):
            self.client.post(path, _IMAGE, expect=202, query_string={"filename": "a.png"})

    def _make_holders(self, asset: str) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "file.txt").write_bytes(b"a file in the pools of both spaces")
        pool = self.make("asset-pools", "/asset-pools", {"name": "pool", "fsPath": str(self.folder)})
        self.client.post(f"/asset-pools/{pool}/scan", expect=202)
        library = self.make("libraries", "/libraries", {"name": "library", "poolUuid": pool})
        collection = self.make("collections", "/collections", {"name": "collection"})
        for path in (f"/libraries/{library}/assets", f"/collections/{collection}/assets"):
            self.client.post(path, {"assetUuid": asset}, expect=201)
        tag = self.make("tags", "/tags", {"name": "tag", "color": "ff0000"})
        self.make("tag-placements", f"/assets/{asset}/tags", {"uuid": tag})
        self.client.post(f"/tags/{tag}/rating", {"rating": 4})
        self.ids["tags"] = tag

    def _make_parts(self, asset: str) -> None:
        about = {"assetUuid": asset}
        self.make("components", "/asset-components", {**about, "type": "IMAGE", "image": {"width": 1}})
        self.ids["asset-components"] = self.ids["components"]
        self.make("embeddings", "/embeddings", {**about, "vector": [1, 2]})
        self.client.post("/attachments", STORED, expect=202, query_string={**about, "filename": "a.txt"})
        self.make("asset-binaries", "/asset-binaries", {**about, "filesystem": {"path": "/somewhere"}})
        self.work()
        self.ids["attachments"] = self.client.get(f"/assets/{asset}/attachments")["data"][0]["uuid"]

    def _make_words(self, asset: str) -> None:
        about = {"assetUuid": asset}
        note = self.make("annotations", "/annotations", {**about, "type": "FEEDBACK", "title": "title"})
        comment = self.make("comments", "/comments", {**about, "text": "words"})
        for plural, target in (("annotations", note), ("comments", comment), ("assets", asset)):
            self.make(f"{plural}/reactions", f"/{plural}/{target}/reactions", {"type": "RATING", "rating": 5})
        self.ids["reactions"] = self.ids["assets/reactions"]

    def change(self) -> None:
        """Change everything that can be."""
        for path in self._elements():
            bodies = [{"meta": {"changed": True}}, {"name": "changed"}, {"title": "changed"}, {"text": "changed"}]
            statuses = {self.client.request("POST", path, body).status_code for body in bodies}
            assert 200 in statuses or path.startswith("/reactions/"), (path, statuses)
        self.work()

    def delete(self) -> None:
        """Delete everything that can be, but who does it."""
        for path in reversed(list(self._elements())):
            status = self.client.request("DELETE", path).status_code
            # Some went with what they belonged to.
            assert status in {204, 404}, (path, status)
            self.client.get(path, expect=404)
        self.work()
        for task in self.client.all("/tasks"):
            self.client.delete(f"/tasks/{task['uuid']}")

    def _elements(self) -> Iterator[str]:
        """Give the paths of all elements, what belongs to others behind them."""
        for segment, key in self.ids.items():
            if "/" not in segment and segment not in _NO_RESOURCES:
                yield f"/{_OTHERS.get(segment, segment)}/{key}"


def fill_in(rule: Rule, ids: Mapping[str, str]) -> str:
    """Put the ids of elements into the path of a route, by the segment before each.

    Raises:
        KeyError: naming a segment that stands for nothing.
    """
    path, before = "", ""
    for segment in rule.rule.removeprefix(PREFIX).split("/")[1:]:
        if _PARAMETER.fullmatch(segment):
            first = path.split("/")[1]
            path += f"/{ids.get(f'{first}/{before}') or ids[_ALIASES.get(before, before)]}"
        else:
            path, before = f"{path}/{segment}", segment
    return path


def random_ids(ids: Mapping[str, str], other: UUID) -> dict[str, str]:
    """Give an id that nothing has for each of these that is one."""
    return {segment: str(other) if len(key) == len(str(other)) else key for segment, key in ids.items()}
