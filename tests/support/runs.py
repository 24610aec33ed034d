"""Pipelines for tests, and runs of them that are done by the time they are answered."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.platforms import rows
from workers.inline import run_all


def node(name: str, kind: str, **options: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "options": options}


def edge(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"source": source, "target": target, **more}


def graph(*nodes: dict[str, Any], edges: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    wired = [edge("source", each["id"]) for each in nodes] if edges is None else edges
    return {"nodes": [node("source", "asset-source"), *nodes], "edges": wired}


def picture(color: str, size: tuple[int, int] = (300, 200), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "JPEG", **options)
    return buffer.getvalue()


class Runs:
    """Pipelines, and runs of them that are done by the time they are answered."""

    def __init__(self, client: ApiClient, platform: Platform) -> None:
        self.client, self.platform = client, platform

    def upload(self, data: bytes, name: str = "a.jpg") -> str:
        self.client.request("POST", f"/assets/upload?filename={name}", data, expect=202)
        run_all(self.platform)
        return str(rows(self.platform, "SELECT id FROM asset ORDER BY id DESC LIMIT 1")[0][0])

    def make(self, graph: Any, **more: Any) -> str:
        return str(self.client.post("/pipelines", {"name": "p", "definition": graph, **more}, expect=201)["uuid"])

    def run(self, pipeline: str, assets: Sequence[str] = (), **more: Any) -> Any:
        body = {"mediaUuids": list(assets), **more}
        started = self.client.post(f"/pipelines/{pipeline}/run", body, expect=202)
        run_all(self.platform)
        return self.client.get(f"/pipelines/{pipeline}/runs/{started['runUuid']}")

    def items(self, run: Any, query: str = "") -> list[Any]:
        return list(self.client.get(f"/pipelines/{run['pipelineUuid']}/runs/{run['uuid']}/items{query}")["data"])

    def tasks(self, run: Any, item: Any) -> dict[str, Any]:
        path = f"/pipelines/{run['pipelineUuid']}/runs/{run['uuid']}/items/{item['uuid']}/tasks"
        return {each["nodeId"]: each for each in self.client.get(path)["data"]}


class Pooled:
    """A pool on a folder with one picture, scanned."""

    def __init__(self, runs: Runs, root: Path) -> None:
        self.runs, self.root = runs, root
        root.mkdir()
        (root / "a.jpg").write_bytes(picture("red"))
        self.pool = runs.client.post("/asset-pools", {"name": root.name, "fsPath": str(root)}, expect=201)["uuid"]
        self.scan()

    def scan(self) -> Any:
        started = self.runs.client.post(f"/asset-pools/{self.pool}/scan", expect=202)
        run_all(self.runs.platform)
        return self.runs.client.get(f"/tasks/{started['uuid']}")["result"]

    def asset(self) -> str:
        return str(self.runs.client.get("/assets")["data"][0]["uuid"])

    def places(self) -> set[tuple[str, str]]:
        found = rows(
            self.runs.platform,
            "SELECT pool.name, convert_from(path, 'UTF8') FROM location JOIN pool ON pool.id = pool_id",
        )
        return {(row[0], row[1]) for row in found}


def only(runs: Runs, run: Any, name: str) -> Any:
    (item,) = runs.items(run)
    return runs.tasks(run, item)[name]


MD5 = graph(node("m", "md5"))
_FILE = {"filename": "x", "mimeType": "image/png", "size": 1, "origin": "test"}


def bulk_assets(runs: Runs, count: int) -> list[str]:
    """Assets whose bytes cannot be had, so that their md5 fails."""
    items = [{"hashes": {"sha512": f"{number:0128x}"}, "file": _FILE} for number in range(count)]
    runs.client.post("/assets/bulk/create", {"assets": items}, expect=202)
    run_all(runs.platform)
    return [str(row[0]) for row in rows(runs.platform, "SELECT id FROM asset ORDER BY id")]
