"""How first scans and bulk creation gain by worker processes: 1, 2 and 4 of them, on the cores that there are."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.bulk import ASSETS, lines_of, new_items, post
from tests.support.running_loom import RunningLoom
from tests.support.trees import make_tree

PROCESSES = 1, 2, 4
FILES, LARGE_FILES = 20_000, 20


def main() -> None:
    """Print the table; ratios are to one process."""
    with tempfile.TemporaryDirectory(prefix="loom-bench-") as folder:
        small, large = Path(folder) / "small", Path(folder) / "large"
        make_tree(small, FILES, 4 * 1024, 40 * 1024)
        make_tree(large, LARGE_FILES, 100 * 1024**2, 100 * 1024**2 + 1)
        print(f"{os.cpu_count()} cores   {'small files/s':>16} {'large MB/s':>16} {'bulk assets/s':>16}")
        alone: list[float] = []
        for processes in PROCESSES:
            rates = _measure(processes, small, large)
            alone = alone or rates
            shown = "".join(f" {rate:9,.0f} ({rate / one:.2f})" for rate, one in zip(rates, alone, strict=True))
            print(f"{processes} processes {shown}", flush=True)


def _measure(processes: int, small: Path, large: Path) -> list[float]:
    with (
        tempfile.TemporaryDirectory(prefix="loom-bench-home-") as home,
        RunningLoom(Path(home), LOOM_HASH_PROCESSES=str(processes)) as loom,
    ):
        rates = [FILES / _timed(lambda: _scan(loom, small))]
        rates.append(LARGE_FILES * 104.8576 / _timed(lambda: _scan(loom, large)))
        body = lines_of(new_items(0))
        rates.append(ASSETS / _timed(lambda: post(loom, "create", body, "ndjson")))
    return rates


def _scan(loom: RunningLoom, place: Path) -> None:
    task = loom.wait_for_task(loom.start_scan(loom.make_pool(place, place.name)), 1200)
    assert task["state"] == "SUCCEEDED", task


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
