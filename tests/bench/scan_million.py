"""A pool of a million files: first scan, rescan, and the memory of each process after that."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from tests.support.running_loom import RunningLoom

FILES = 1_000_000
A_FOLDER = 1_000


def main() -> None:
    """Print both times and the peaks."""
    with tempfile.TemporaryDirectory(prefix="loom-bench-") as folder:
        root = Path(folder, "media")
        _fill(root)
        with tempfile.TemporaryDirectory(prefix="loom-bench-home-") as home, RunningLoom(Path(home)) as loom:
            pool = loom.make_pool(root)
            for name in ("first scan", "rescan"):
                begun = time.perf_counter()
                ended = loom.wait_for_task(loom.start_scan(pool), 3600)
                assert ended["state"] == "SUCCEEDED", ended
                print(f"{name:10} {FILES / (time.perf_counter() - begun):9,.0f} files/s", flush=True)
            print("peaks (MiB): " + ", ".join(f"{name} {peak:.0f}" for name, peak in loom.peak_memory().items()))


def _fill(root: Path) -> None:
    for first in range(0, FILES, A_FOLDER):
        folder = root / f"{first // A_FOLDER:05}"
        folder.mkdir(parents=True)
        for number in range(first, first + A_FOLDER):
            descriptor = os.open(folder / f"{number:07}", os.O_CREAT | os.O_WRONLY)
            os.write(descriptor, b"%d" % number)
            os.close(descriptor)
