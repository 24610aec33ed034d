"""Workers and decoders are killed while a pipeline runs, and what it has found out is what it would have been."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from tests.support.running_loom import RunningLoom
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

PICTURES, BROKEN, DEATHS = 2_000, 20, 8
KINDS = ("metadata", "thumbnail", "image-hash", "md5")
_FOUND = """
    SELECT kind, encode(sha512, 'hex'), outputs FROM node_result JOIN asset ON asset.id = asset_id ORDER BY 1, 2
"""
_NODES = "SELECT node_id, processed, failed, skipped FROM run_node WHERE task_id = '{run}' ORDER BY node_id"
_ITEMS = "SELECT index, encode(sha512, 'hex'), state, message FROM run_item WHERE task_id = '{run}' ORDER BY index"


def _make_pictures(folder: Path) -> None:
    folder.mkdir()
    for number in range(PICTURES):
        buffer = io.BytesIO()
        Image.effect_noise((500, 400), 20 + number % 50).convert("RGB").save(buffer, "JPEG", quality=90)
        data = buffer.getvalue()
        broken = number % (PICTURES // BROKEN) == 0
        (folder / f"{number}.jpg").write_bytes(data[: len(data) // 2] if broken else data)


def _run(loom: RunningLoom, pipeline: str) -> str:
    answer = loom.ask("POST", f"/pipelines/{pipeline}/run", json={"filter": ["type[eq]=image/jpeg"]})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["runUuid"])


def _kill(loom: RunningLoom, *words: str) -> None:
    victims = loom.processes(*words)
    if victims:
        try:
            random.Random(1).choice(victims).kill()
        except psutil.NoSuchProcess:
            return


def _wait_for_items(loom: RunningLoom, least: int) -> None:
    wait_until(lambda: bool(loom.query("SELECT count(*) FROM run_item")[0][0] >= least), 120)


def _outcome(loom: RunningLoom, run: str) -> tuple[Any, ...]:
    statements = (_FOUND, _ITEMS.format(run=run), "SELECT count(*) FROM attachment", _NODES.format(run=run))
    return tuple(loom.query(statement) for statement in statements)


def test_nothing_is_lost_and_nothing_is_done_twice(tmp_path: Path) -> None:
    _make_pictures(tmp_path / "media")
    nodes = [{"id": "source", "type": "asset-source"}, *({"id": kind, "type": kind} for kind in KINDS)]
    definition = {"nodes": nodes, "edges": [{"source": "source", "target": kind} for kind in KINDS]}
    with RunningLoom(tmp_path, LOOM_TASK_LEASE_SECONDS="3") as loom:
        assert loom.wait_for_task(loom.start_scan(loom.make_pool(tmp_path / "media")))["state"] == "SUCCEEDED"
        pipeline = str(loom.ask("POST", "/pipelines", json={"name": "p", "definition": definition}).json()["uuid"])
        disturbed = _run(loom, pipeline)
        for number in range(DEATHS):
            least = 1 + number * PICTURES // (DEATHS + 1)
            _wait_for_items(loom, least)
            _kill(loom, "workers.media.child")
            _kill(loom, "dramatiq", "bulk")
        ended = loom.wait_for_task(disturbed, 600)
        assert (ended["state"], ended["progress"]["total"]) == ("PARTIAL", PICTURES)
        assert (ended["progress"]["done"], ended["progress"]["failed"]) == (PICTURES - BROKEN, BROKEN)
        found = _outcome(loom, disturbed)
        loom.forget("node_result", "attachment", "component")
        undisturbed = _run(loom, pipeline)
        loom.wait_for_task(undisturbed, 600)
        for before, after in zip(found, _outcome(loom, undisturbed), strict=True):
            assert [row for row in after if row not in before] == []
            assert len(after) == len(before)
