"""A kind of node from a package: it is described, checked, runs on a queue of its own, and is missed by name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from models.settings import child_environment
from tests.support.running_loom import RunningLoom
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
_PACKAGE = Path(__file__).parents[2] / "docs" / "example-node"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, built and installed as anybody would, into a folder of its own."""
    place = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-build-isolation"]
    subprocess.run([*pip, "--no-deps", "--target", str(place), str(_PACKAGE)], check=True, capture_output=True)
    return place


@contextmanager
def _worker(loom: RunningLoom, installed: Path) -> Iterator[None]:
    path = os.pathsep.join([str(installed), str(Path(__file__).parents[2])])
    environment = child_environment(LOOM_HOME=str(loom.home.path), LOOM_STORAGE_MIN_FREE_SPACE="0", PYTHONPATH=path)
    command = [sys.executable, "-m", "compose.cli", "worker", "--queues", "media.brightness", "--threads", "1"]
    worker = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(15)


def _serving(loom: RunningLoom) -> list[Any]:
    return [each for each in loom.ask("GET", "/processors").json()["data"] if "brightness" in each["kinds"]]


def test_a_kind_of_a_package_runs_where_it_is_installed(tmp_path: Path, installed: Path) -> None:
    nodes = [
        {"id": "source", "type": "asset-source"},
        {"id": "light", "type": "brightness"},
        {"id": "m", "type": "md5"},
    ]
    edges = [{"source": "source", "target": "light"}, {"source": "source", "target": "m"}]
    graph = {"nodes": nodes, "edges": edges}
    buffer = BytesIO()
    Image.new("RGB", (64, 64), "white").save(buffer, "PNG")
    with RunningLoom(tmp_path) as loom:
        loom.api.post("/assets/upload", files={"file": ("a.png", buffer.getvalue(), "image/png")})
        wait_until(lambda: len(loom.ask("GET", "/assets").json()["data"]) == 1)
        (asset,) = loom.ask("GET", "/assets").json()["data"]
        assert loom.ask("POST", "/pipelines", json={"name": "p", "definition": graph}).status_code == 400
        with _worker(loom, installed):
            wait_until(lambda: bool(_serving(loom)), 30)
            (worker,) = _serving(loom)
            assert (worker["queues"], worker["capabilities"]) == (["media.brightness"], ["brightness"])
            described = loom.ask("GET", "/node-descriptors/brightness").json()
            assert (described["name"], described["parameters"][0]["key"]) == ("Brightness", "darkBelow")
            told = loom.ask("POST", "/pipelines/validate", json={"definition": graph}).json()
            assert (told["valid"], told["warnings"]) == (True, [])
            bad = {**graph, "nodes": [nodes[0], {**nodes[1], "options": {"darkBelow": 2}}, nodes[2]]}
            assert not loom.ask("POST", "/pipelines/validate", json={"definition": bad}).json()["valid"]
            pipeline = loom.ask("POST", "/pipelines", json={"name": "p", "definition": graph}).json()["uuid"]
            run = loom.ask("POST", f"/pipelines/{pipeline}/run", json={"mediaUuids": [asset["uuid"]]}).json()["runUuid"]
            ended = loom.wait_for_task(run)
            assert ended["state"] == "SUCCEEDED", ended
            assert ended["payload"]["queue"] == "media.brightness"
            items = f"/pipelines/{pipeline}/runs/{run}/items"
            (item,) = loom.ask("GET", items).json()["data"]
            done = {each["nodeId"]: each for each in loom.ask("GET", f"{items}/{item['uuid']}/tasks").json()["data"]}
            assert done["light"]["outputs"] == {"brightness": 1.0, "passed": True}
        wait_until(lambda: not _serving(loom), 30)
        told = loom.ask("POST", "/pipelines/validate", json={"definition": graph}).json()
        assert [(each["code"], each["nodeId"]) for each in told["warnings"]] == [("KIND_UNAVAILABLE", "light")]
        answer = loom.api.post(f"/pipelines/{pipeline}/run", json={"mediaUuids": [asset["uuid"]]})
        assert (answer.status_code, "brightness" in answer.json()["message"]) == (503, True)
