"""A rebuild of the text index while fifty clients search and ten write: no search fails, nothing is missing after."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest

from tests.support.running_loom import RunningLoom
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]
ASSETS, SEARCHERS, WRITERS, REBUILDS = 20_000, 50, 10, 3


def test_searches_never_fail_while_the_index_is_built_anew(tmp_path: Path) -> None:
    with RunningLoom(tmp_path) as loom:
        _fill(loom)
        loom.wait_for_index()
        stop, problems, counts = Event(), list[str](), {"searches": 0, "written": 0}

        def search(client: httpx.Client) -> None:
            answer = client.get("/search/assets", params={"q": "seed", "limit": 5, "facets": "type"})
            counts["searches"] += 1
            # What was there before a rebuild is there while it goes on.
            if answer.status_code != 200 or answer.json()["_metainfo"]["totalHits"] != ASSETS:
                problems.append(answer.text[:300])

        def write(client: httpx.Client) -> None:
            counts["written"] += 1
            file = {"filename": f"late {counts['written']}.txt", "mimeType": "text/plain", "size": 1, "origin": "x"}
            sha512 = f"{time.monotonic_ns():032x}" * 4
            answer = client.post("/assets", json={"hashes": {"sha512": sha512}, "file": file})
            if answer.status_code != 201:
                problems.append(answer.text[:300])

        threads = [_forever(loom, each, stop, problems) for each in [search] * SEARCHERS + [write] * WRITERS]
        for _ in range(REBUILDS):
            task = loom.ask("POST", "/tasks", json={"kind": "search.reindex", "payload": {}}).json()["uuid"]
            assert loom.wait_for_task(task, 300)["state"] == "SUCCEEDED"
        stop.set()
        for thread in threads:
            thread.join()
        print(f"{counts['searches']:,} searches and {counts['written']:,} new assets during {REBUILDS} rebuilds")
        assert problems == []
        ((total,),) = loom.query("SELECT count(*) FROM asset")
        wait_until(lambda: loom.ask("GET", "/search/status").json()["documentCount"] == total, 60)


def _fill(loom: RunningLoom) -> None:
    items = [{"hashes": {"sha512": f"{number:0128x}"},
              "file": {"filename": f"seed {number}.txt", "mimeType": "text/plain", "size": 1, "origin": "x"}}
             for number in range(ASSETS)]  # fmt: skip
    task = loom.ask("POST", "/assets/bulk/create", json={"assets": items}).json()["uuid"]
    assert loom.wait_for_task(task, 300)["state"] == "SUCCEEDED"


def _forever(
    loom: RunningLoom, act: Callable[[httpx.Client], None], stop: Event, problems: list[str]
) -> Thread:  # fmt: skip
    def run() -> None:
        with httpx.Client(base_url=loom.api.base_url, headers=loom.api.headers, timeout=60) as client:
            while not stop.is_set():
                try:
                    act(client)
                except httpx.HTTPError as error:
                    problems.append(repr(error))

    thread = Thread(target=run)
    thread.start()
    return thread
