"""5,000 WebSocket clients and 200 requests a second for five minutes, on all of Loom: no error, and flat memory.

The clients share the machine's cores with Loom. Every hundredth request changes something, which all clients hear of.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import httpx
import psutil

from tests.bench._listeners import percentile
from tests.bench.bulk import lines_of, new_items
from tests.bench.websockets import connected
from tests.support.running_loom import RunningLoom

CLIENTS, SECONDS, PER_SECOND = 5_000, 300, 200
THREADS = 24
LOOK_SECONDS = 30
_NDJSON = {"Content-Type": "application/x-ndjson"}


def main() -> None:
    """Print how it went, in all and minute by minute."""
    with TemporaryDirectory() as folder, RunningLoom(Path(folder)) as loom:
        answer = loom.api.post("/assets/bulk/create", content=lines_of(new_items(0)), headers=_NDJSON, timeout=300)
        loom.wait_for_task(answer.json()["uuid"], 300)
        loom.wait_for_index()
        assets = [str(row[0]) for row in loom.query("SELECT id FROM asset LIMIT 2000")]
        token = str(loom.api.headers["Authorization"]).removeprefix("Bearer ")
        with get_context("spawn").Manager() as manager, connected(manager, loom.port, token, CLIENTS) as wait:
            print(f"{CLIENTS:,} clients are connected; web {_memory(loom):,.0f} MiB", flush=True)
            load = _Load(loom, assets)
            changes = load.run()
            seen = wait(changes)
        complete = sum(each.frames >= changes for each in seen)
        closed = sum(each.is_closed for each in seen)
        print(f"{changes} changes were heard of by {complete:,} of {len(seen):,} clients; {closed} were cut off")
        is_good = load.report() and complete == len(seen) and not closed
    print("as wanted" if is_good else "NOT as wanted")
    if not is_good:
        sys.exit(1)


class _Load:
    """Many callers at a steady rate."""

    def __init__(self, loom: RunningLoom, assets: list[str]) -> None:
        self._loom, self._assets = loom, assets
        self._chance = random.Random(1)
        self._answers: list[tuple[float, int, float]] = []
        """When, with which status, and after how many milliseconds."""
        self._memory: list[float] = []
        self._began = 0.0

    def run(self) -> int:
        """Ask for as long as wanted; gives how many changes were made."""
        stopping = Event()
        self._began = time.monotonic()
        with ThreadPoolExecutor(THREADS + 1) as pool:
            callers = [pool.submit(self._call, number) for number in range(THREADS)]
            looking = pool.submit(self._look, stopping)
            changes = sum(caller.result() for caller in callers)
            stopping.set()
            looking.result()
        return changes

    def _call(self, number: int) -> int:
        changes = 0
        with httpx.Client(base_url=self._loom.api.base_url, headers=self._loom.api.headers, timeout=30) as api:
            for turn in range(number, SECONDS * PER_SECOND, THREADS):
                time.sleep(max(0.0, self._began + turn / PER_SECOND - time.monotonic()))
                before = time.monotonic()
                if before - self._began > SECONDS:
                    break  # not as many a second as wanted: told by the report
                is_change = turn % 100 == 0
                status = self._ask(api, turn, is_change=is_change)
                changes += is_change and status < httpx.codes.BAD_REQUEST
                self._answers.append((before - self._began, status, (time.monotonic() - before) * 1000))
        return changes

    def _ask(self, api: httpx.Client, turn: int, *, is_change: bool) -> int:
        asset = self._chance.choice(self._assets)
        try:
            if is_change:
                return api.post("/tags", json={"name": f"tag {turn}", "collection": "load"}).status_code
            paths = ("/assets?limit=20", "/search/assets?q=photo", "/tasks?limit=20", "/tags?limit=20")
            return api.get(paths[turn % 20] if turn % 20 < len(paths) else f"/assets/{asset}").status_code
        except httpx.TransportError:
            return 0

    def _look(self, stopping: Event) -> None:
        while not stopping.wait(LOOK_SECONDS):
            self._memory.append(_memory(self._loom))

    def report(self) -> bool:
        """Print what was seen; tells whether there was no error, and whether memory was flat."""
        minutes: dict[int, list[float]] = {}
        for at, _, milliseconds in self._answers:
            minutes.setdefault(int(at // 60), []).append(milliseconds)
        for minute, taken in sorted(minutes.items()):
            print(f"minute {minute + 1}: {len(taken):,} requests, p50 {percentile(taken, 0.5):.0f} ms, "
                  f"p99 {percentile(taken, 0.99):.0f} ms")  # fmt: skip
        states = Counter(status for _, status, _ in self._answers)
        took = max(at + milliseconds / 1000 for at, _, milliseconds in self._answers)
        rate = len(self._answers) / took
        print(f"{rate:.0f} requests a second, by status {dict(states)}")
        print(f"web processes, MiB: {', '.join(f'{each:,.0f}' for each in self._memory)}")
        half = len(self._memory) // 2
        is_flat = max(self._memory[half:]) < 1.1 * max(self._memory[:half])
        return all(200 <= status < 300 for status in states) and is_flat and rate > 0.98 * PER_SECOND


def _memory(loom: RunningLoom) -> float:
    """Give the resident size of the largest web process, in MiB."""
    return max(_resident(process) for process in loom.processes("gunicorn")) / 2**20


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    main()
