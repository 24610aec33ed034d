"""One space submits a hundred thousand items; what another asks for meanwhile starts within two seconds."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.bench.bulk import lines_of, new_items
from tests.support.running_loom import RunningLoom

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

_BULKS, _LEAST = 2, 40
_NDJSON = {"Content-Type": "application/x-ndjson"}


def _other(loom: RunningLoom) -> httpx.Client:
    """Somebody who works in a space of their own."""
    space = str(loom.ask("POST", "/spaces", json={"name": "other"}).json()["uuid"])
    headers = {"Authorization": loom.api.headers["Authorization"], "X-Loom-Space": space}
    return httpx.Client(base_url=loom.api.base_url, headers=headers, timeout=60)


def test_a_single_task_does_not_wait_for_a_flood(tmp_path: Path) -> None:
    with RunningLoom(tmp_path) as loom, _other(loom) as other:
        floods = []
        for number in range(_BULKS):
            body = lines_of(new_items(number))
            answer = loom.api.post("/assets/bulk/create", content=body, headers=_NDJSON, timeout=120)
            assert answer.status_code == httpx.codes.ACCEPTED, answer.text
            floods.append(str(answer.json()["uuid"]))
        waits: list[int] = []
        while len(waits) < 500 and loom.ask("GET", f"/tasks/{floods[-1]}").json()["state"] in {"PENDING", "RUNNING"}:
            item = {"sha512": f"{len(waits):0128x}", "filename": "a"}
            task = other.post("/assets/bulk/create", json={"items": [item]}).json()["uuid"]
            ended = other.get(f"/tasks/{task}", params={"wait": 30}).json()
            assert ended["state"] == "SUCCEEDED", ended
            waits.append(ended["waitMs"])
            time.sleep(0.1)
        waits.sort()
        print(f"\n{len(waits)} tasks beside {_BULKS} of 100,000 items: wait p50 {waits[len(waits) // 2]} ms, "
              f"p99 {waits[len(waits) * 99 // 100]} ms")  # fmt: skip
        assert waits[len(waits) * 99 // 100] < 2_000
        assert all(loom.wait_for_task(flood)["state"] == "SUCCEEDED" for flood in floods)
        assert len(waits) >= min(_LEAST, 10)
