"""One space submits a hundred thousand items, again and again; what another asks for starts within two seconds."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.bench.bulk import lines_of, new_items
from tests.support.running_loom import RunningLoom

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

_BULKS, _LEAST = 6, 8
_NDJSON = {"Content-Type": "application/x-ndjson"}


def _other(loom: RunningLoom) -> httpx.Client:
    """Somebody who works in a space of their own."""
    space = str(loom.ask("POST", "/spaces", json={"name": "other"}).json()["uuid"])
    headers = {"Authorization": loom.api.headers["Authorization"], "X-Loom-Space": space}
    return httpx.Client(base_url=loom.api.base_url, headers=headers, timeout=60)


def _flood(loom: RunningLoom, number: int) -> None:
    body = lines_of(new_items(number))
    answer = loom.api.post("/assets/bulk/create", content=body, headers=_NDJSON, timeout=300)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    assert loom.wait_for_task(str(answer.json()["uuid"]), 300)["state"] == "SUCCEEDED"


def _single(other: httpx.Client, number: int) -> tuple[int, int]:
    """Ask for a task with one item; gives how long it waited and how long until it ended, in milliseconds."""
    file = {"filename": "a", "mimeType": "image/jpeg", "size": 1, "origin": "a"}
    item = {"hashes": {"sha512": f"{number + 1:0128x}"}, "file": file}
    task = other.post("/assets/bulk/create", json={"assets": [item]}).json()["uuid"]
    ended = other.get(f"/tasks/{task}", params={"wait": 30}).json()
    assert ended["state"] == "SUCCEEDED", (ended.get("error"), ended["progress"])
    return int(ended["waitMs"]), int(ended["waitMs"] + ended["runMs"])


def test_a_single_task_does_not_wait_for_a_flood(tmp_path: Path) -> None:
    with RunningLoom(tmp_path) as loom, _other(loom) as other, ThreadPoolExecutor(2) as pool:
        floods = [pool.submit(_flood, loom, number) for number in range(_BULKS)]
        singles: list[tuple[int, int]] = []
        while not all(flood.done() for flood in floods):
            singles.append(_single(other, len(singles)))
            time.sleep(0.05)
        for flood in floods:
            flood.result()
        waits, ends = (sorted(each) for each in zip(*singles, strict=True))
        p50, p99 = (waits[len(waits) * part // 100] for part in (50, 99))
        print(f"\n{len(waits)} tasks beside {_BULKS} of 100,000 items: wait p50 {p50} ms, p99 {p99} ms;"
              f" ended after p50 {ends[len(ends) // 2]} ms, at most {ends[-1]} ms")  # fmt: skip
        assert len(waits) >= _LEAST
        assert p99 < 2_000
