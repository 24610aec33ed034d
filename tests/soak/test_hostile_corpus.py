"""Every file of the tests of Pillow, mutagen and pypdf through the default pipeline: made to break decoders.

The source packages come from the package index, by pip.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Self

import psutil
import pytest

from models.services.default_pipeline import DEFINITION
from tests.support.running_loom import RunningLoom

pytestmark = pytest.mark.timeout(3600)
_PACKAGES = ("pillow", "mutagen", "pypdf")
_FOLDERS = ("Tests/images", "Tests/fonts", "tests/data", "resources", "sample-files", "tests")
_LIMIT_BYTES = 1024**3
_BASE_BYTES = 400 * 1024**2
"""What a child has before it looks at anything, generously."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    packed, place = tmp_path_factory.mktemp("packed"), tmp_path_factory.mktemp("corpus")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        ":all:",
        "--dest",
        str(packed),
    ]
    subprocess.run([*pip, *_PACKAGES], check=True)
    for archive in sorted(packed.glob("*.tar.gz")):
        with tarfile.open(archive) as files:
            for member in files.getmembers():
                inner = member.name.partition("/")[2]
                if member.isfile() and inner.startswith(_FOLDERS) and not inner.endswith(".py"):
                    files.extract(member, place, filter="data")
    return place


class _Watch:
    """The largest resident size of any child that looks at media, in bytes."""

    def __init__(self, loom: RunningLoom) -> None:
        self.peak = 0
        self._loom, self._ended = loom, Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.2):
            self.peak = max(self.peak, *self._sizes(), 0)

    def _sizes(self) -> Iterator[int]:
        yield 0
        for child in self._loom.processes("workers.media.child"):
            try:
                yield child.memory_info().rss
            except psutil.Error:
                continue


def test_nothing_of_it_hurts(corpus: Path, tmp_path: Path) -> None:
    files = [each for each in corpus.rglob("*") if each.is_file()]
    with RunningLoom(tmp_path) as loom, _Watch(loom) as watch:
        workers = {each.pid for each in loom.processes("dramatiq")}
        scanned = loom.wait_for_task(loom.start_scan(loom.make_pool(corpus)), 900)
        assert scanned["state"] == "SUCCEEDED", scanned
        pipeline = loom.ask("POST", "/pipelines", json={"name": "all", "definition": DEFINITION}).json()["uuid"]
        asked = loom.ask("POST", f"/pipelines/{pipeline}/run", json={"pathGlobs": ["*"]}).json()
        ended = loom.wait_for_task(asked["runUuid"], 3000)
        items = loom.query("SELECT state, count(*), count(message) FROM run_item GROUP BY state ORDER BY state")
        assets = loom.query("SELECT count(*) FROM asset")[0][0]
        print(
            f"{len(files)} files, {assets} contents, {items}, a child's peak {watch.peak / 1024**2:.0f} MiB", flush=True
        )
        assert ended["state"] in {"SUCCEEDED", "PARTIAL"}, ended
        assert sum(row[1] for row in items) == assets
        assert all(row[1] == row[2] for row in items if row[0] == "FAILED"), "each failure has a name"
        assert loom.query("SELECT count(*) FROM location WHERE state = 'PRESENT'")[0][0] == len(files)
        assert workers <= {each.pid for each in loom.processes("dramatiq")}, "no worker has died"
        assert watch.peak < _LIMIT_BYTES + _BASE_BYTES
