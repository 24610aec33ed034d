"""What others feel while 200,000 files are scanned and 100,000 assets are made: reads, and single uploads.

Readers ask at a steady pace, so that a slow answer delays nobody but itself; their 99th percentile is compared with
that of an idle Loom in the same run. Uploads are timed to the end of their tasks.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import orjson

from tests.support.running_loom import RunningLoom
from tests.support.trees import make_tree

FILES, ASSETS = 200_000, 100_000
READERS, PAUSE_SECONDS = 4, 0.05
IDLE_SECONDS = 20
UPLOAD = os.urandom(1024**2)
_FINAL = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED")


def main() -> None:
    """Print the percentiles and the uploads."""
    with tempfile.TemporaryDirectory(prefix="loom-bench-") as folder:
        place = Path(folder) / "files"
        make_tree(place, FILES, 100, 2_000)
        with tempfile.TemporaryDirectory(prefix="loom-bench-home-") as home, RunningLoom(Path(home)) as loom:
            path = f"/assets/{_upload(loom, b'the asset that is read')[1]}"
            idle, _ = _measure(loom, path, lambda: time.sleep(IDLE_SECONDS))
            tasks = [loom.start_scan(loom.make_pool(place)), _create(loom)]
            begun = time.perf_counter()
            busy, uploads = _measure(loom, path, lambda: _wait(loom, tasks))
            seconds = time.perf_counter() - begun
    print(f"{FILES:,} files and {ASSETS:,} assets in {seconds:.0f} s")
    for name, times in (("idle", idle), ("under load", busy)):
        half, most = _percentile(times, 50), _percentile(times, 99)
        print(f"GET {name:12} {len(times):6} reads, p50 {half:6.1f} ms, p99 {most:6.1f} ms")
    print(f"ratio of p99 {_percentile(busy, 99) / _percentile(idle, 99):.1f}")
    print(
        f"uploads under load: {len(uploads)}, median {statistics.median(uploads):.2f} s, slowest {max(uploads):.2f} s"
    )


def _measure(loom: RunningLoom, path: str, meanwhile: Callable[[], None]) -> tuple[list[float], list[float]]:
    """Read, and upload every few seconds, until something has ended; gives ms of reads and seconds of uploads."""
    stop = Event()
    with ThreadPoolExecutor(READERS + 1) as pool:
        readers = [pool.submit(_read, loom, path, stop) for _ in range(READERS)]
        uploader = pool.submit(_upload_often, loom, stop)
        try:
            meanwhile()
        finally:
            stop.set()
        return [each for reader in readers for each in reader.result()], uploader.result()


def _read(loom: RunningLoom, path: str, stop: Event) -> list[float]:
    times = []
    while not stop.wait(PAUSE_SECONDS):
        begun = time.perf_counter()
        answer = loom.api.get(path)
        assert answer.status_code == 200, answer.text
        times.append((time.perf_counter() - begun) * 1000)
    return times


def _upload_often(loom: RunningLoom, stop: Event) -> list[float]:
    times = []
    while not stop.wait(3):
        times.append(_upload(loom, UPLOAD + os.urandom(8))[0])
    return times


def _upload(loom: RunningLoom, data: bytes) -> tuple[float, str]:
    """Give how long it took until the task had ended, and the asset."""
    begun = time.perf_counter()
    answer = loom.api.post("/assets/upload?filename=a.bin", content=data)
    task: Any = answer.json()
    while task["state"] not in _FINAL:
        task = loom.api.get(f"/tasks/{task['uuid']}?wait=10").json()
    assert task["state"] == "SUCCEEDED", task
    return time.perf_counter() - begun, task["result"]["assetUuid"]


def _create(loom: RunningLoom) -> str:
    items = (
        {"hashes": {"sha512": f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" * 8},
         "file": {"filename": f"{number}.jpg", "mimeType": "image/jpeg", "size": 1, "origin": "bulk"}}
        for number in range(ASSETS)
    )  # fmt: skip
    body = b"\n".join(map(orjson.dumps, items))
    answer = loom.api.post("/assets/bulk/create", content=body, headers={"Content-Type": "application/x-ndjson"})
    return str(answer.json()["uuid"])


def _wait(loom: RunningLoom, tasks: list[str]) -> None:
    for task in tasks:
        assert loom.wait_for_task(task, 900)["state"] == "SUCCEEDED"


def _percentile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1]


if __name__ == "__main__":
    main()
