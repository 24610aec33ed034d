"""First scan and rescan of a pool against `sha512sum` and a bare walk of the same tree, and the memory of each process.

Loom runs as a user runs it (`loom up`); a scan is timed from the request to the end of its task. The tree's pages are
in the cache for both sides, and a rescan waits until the first scan's assets are indexed. Every figure is the median
of the rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench._annex import seconds_of_annex
from tests.support.running_loom import RunningLoom
from tests.support.trees import make_tree

SMALL_FILES = 20_000
LARGE_FILES, LARGE_BYTES = 20, 100 * 1024**2
MANY_FILES = 100_000
ROUNDS = 3
ANNEXED = 500


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="loom-bench-") as folder:
        root = Path(folder)
        _compare("20,000 files of 4-40 KiB", root / "small", lambda place: _small(place, SMALL_FILES))
        _compare("20 files of 100 MiB", root / "large", _large)
        _memory(root)


def _small(place: Path, files: int) -> None:
    make_tree(place, files, 4 * 1024, 40 * 1024)


def _large(place: Path) -> None:
    place.mkdir()
    block = os.urandom(1024**2)
    for number in range(LARGE_FILES):
        with (place / f"{number}.bin").open("wb") as stream:
            stream.write(number.to_bytes(8))
            for _ in range(LARGE_BYTES // len(block)):
                stream.write(block)


def _compare(title: str, place: Path, fill: Callable[[Path], None]) -> None:
    fill(place)
    os.sync()  # else the kernel writes the tree to disk while one side is being timed
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    files = sum(file.is_file() for file in place.rglob("*"))
    scans, rescans, hashes, walks = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="loom-bench-home-") as home, RunningLoom(Path(home)) as loom:
        for number in range(ROUNDS):
            hashes.append(_timed(lambda: _run(_floor(place, files))))
            pool = loom.make_pool(place, f"pool-{number}") if number == 0 else _renew_pool(loom, place, number)
            scans.append(_timed(partial(_scan, loom, pool)))
            loom.wait_for_index()
            walks.append(_timed(lambda: _walk(place)))
            rescans.append(_timed(partial(_scan, loom, pool)))
    scan, rescan = statistics.median(scans), statistics.median(rescans)
    floor, walk = statistics.median(hashes), statistics.median(walks)
    print(f"{title}:")
    print(f"  first scan {files / scan:9,.0f} files/s {size / scan / 1e6:7,.0f} MB/s", end="")
    print(f"   sha512sum {files / floor:9,.0f} files/s {size / floor / 1e6:7,.0f} MB/s   ratio {floor / scan:.2f}")
    _compare_annex(place, scan / files)
    print(f"  rescan     {files / rescan:9,.0f} files/s", end="")
    print(f"           bare walk {files / walk:9,.0f} files/s                ratio {walk / rescan:.2f}", flush=True)


def _compare_annex(place: Path, seconds_of_file: float) -> None:
    """Against `git annex add` of some of the files: all would take many minutes."""
    some = sorted(file for file in place.rglob("*") if file.is_file())[:ANNEXED]
    annex = seconds_of_annex(some)
    if annex is None:
        print("  git annex is not to be had here")
        return
    files, size = len(some), sum(file.stat().st_size for file in some)
    print(f"  git annex add (SHA512E) of {files}: {files / annex:,.0f} files/s {size / annex / 1e6:,.0f} MB/s", end="")
    print(f"   ratio {annex / files / seconds_of_file:.1f}")


def _walk(place: Path) -> None:
    """Look at every file, in the Python that Loom has, and do nothing about it."""
    folders = [os.fspath(place)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)


def _floor(place: Path, files: int) -> str:
    """All cores hash: without `-n`, xargs would give few files to one process."""
    return f"find {place} -type f -print0 | xargs -0 -n {max(1, files // 100)} -P {os.cpu_count()} sha512sum"


def _renew_pool(loom: RunningLoom, place: Path, number: int) -> str:
    """Forget everything, so that the next scan is a first one again."""
    for pool in loom.ask("GET", "/asset-pools").json()["data"]:
        answer = loom.ask("DELETE", f"/asset-pools/{pool['uuid']}")
        if answer.status_code == 202:
            loom.wait_for_task(answer.json()["uuid"])
    loom.forget("location", "asset", "event", "task")
    return loom.make_pool(place, f"pool-{number}")


def _scan(loom: RunningLoom, pool: str) -> None:
    ended = loom.wait_for_task(loom.start_scan(pool), 1200)
    assert ended["state"] == "SUCCEEDED", ended


def _memory(root: Path) -> None:
    peaks = {files: _peaks(root / f"many-{files}", files) for files in (2_000, MANY_FILES)}
    print(f"Peak memory of each process, scanning 2,000 and {MANY_FILES:,} files (MiB):")
    for name, small in peaks[2_000].items():
        print(f"  {name:12} {small:6.0f} {peaks[MANY_FILES].get(name, 0):6.0f}")


def _peaks(place: Path, files: int) -> dict[str, float]:
    make_tree(place, files, 100, 200)
    os.sync()
    with tempfile.TemporaryDirectory(prefix="loom-bench-home-") as home, RunningLoom(Path(home)) as loom:
        pool = loom.make_pool(place)
        _scan(loom, pool)
        loom.wait_for_index()
        walks, rescans = [], []
        for _ in range(ROUNDS):
            walks.append(_timed(lambda: _walk(place)))
            rescans.append(_timed(partial(_scan, loom, pool)))
        walk, rescan = statistics.median(walks), statistics.median(rescans)
        print(f"rescan of {files:,}: {files / rescan:,.0f} files/s, bare walk {files / walk:,.0f}", end="")
        print(f"   ratio {walk / rescan:.2f}", flush=True)
        return loom.peak_memory()


def _timed(call: Callable[[], None]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _run(command: str) -> None:
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)
