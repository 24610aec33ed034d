"""1,000 photographs of 12 megapixels through the default pipeline, against thumbnails alone.

The floor is libvips, which makes a thumbnail of each file in as many threads as there are cores; where it is not to be
had, Pillow in as many processes. The second run finds everything known.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image, ImageDraw

from models.services.default_pipeline import DEFINITION
from tests.support.running_loom import RunningLoom

PHOTOS, MASTERS = 1_000, 10
WIDTH, HEIGHT, EDGE = 4000, 3000, 384
_VIPS = """
import pathlib, sys
from concurrent.futures import ThreadPoolExecutor
import pyvips
def make(path):
    pyvips.Image.thumbnail(path, 384).webpsave_buffer(Q=80)
with ThreadPoolExecutor(int(sys.argv[2])) as pool:
    list(pool.map(make, sorted(map(str, pathlib.Path(sys.argv[1]).iterdir()))))
"""


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory(prefix="loom-bench-") as folder:
        photos = Path(folder) / "photos"
        make_photos(photos)
        name, floor = _floor(photos, Path(folder) / "venv")
        print(f"{name}: {PHOTOS / floor:,.0f} photographs/s", flush=True)
        with tempfile.TemporaryDirectory(prefix="loom-bench-home-") as home, RunningLoom(Path(home)) as loom:
            scanned = loom.wait_for_task(loom.start_scan(loom.make_pool(photos)), 600)
            assert scanned["state"] == "SUCCEEDED", scanned
            pipeline = _make_pipeline(loom)
            for run in ("first run", "second run, all known"):
                seconds = _timed(lambda: _run(loom, pipeline))
                print(f"{run:24} {PHOTOS / seconds:8,.0f} photographs/s   {seconds / floor:.2f} of the floor's time")
            print("peaks (MiB): " + ", ".join(f"{kind} {peak:.0f}" for kind, peak in loom.peak_memory().items()))


def make_photos(folder: Path) -> None:
    """Photographs with shapes and grain, each of other bytes."""
    folder.mkdir()
    chance = random.Random(1)
    masters = []
    for number in range(MASTERS):
        image = Image.effect_noise((WIDTH // 8, HEIGHT // 8), 40).resize((WIDTH, HEIGHT)).convert("RGB")
        draw = ImageDraw.Draw(image)
        for _ in range(60):
            x, y = chance.randrange(WIDTH), chance.randrange(HEIGHT)
            color = tuple(chance.randrange(256) for _ in range(3))
            draw.ellipse((x, y, x + chance.randrange(50, 900), y + chance.randrange(50, 900)), fill=color)
        place = folder.parent / f"master-{number}.jpg"
        image.save(place, quality=88)
        masters.append(place.read_bytes())
    for number in range(PHOTOS):
        # Bytes behind the end of the picture make each another content.
        (folder / f"{number:04}.jpg").write_bytes(masters[number % MASTERS] + number.to_bytes(4))


def _floor(photos: Path, venv: Path) -> tuple[str, float]:
    cores = str(os.cpu_count())
    try:
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(venv / "bin/python"), "-m", "pip", "install", "-q", "pyvips[binary]"], check=True)
        python = str(venv / "bin/python")
        command = [python, "-c", _VIPS, str(photos), cores]
        return "libvips, thumbnails alone", _timed(lambda: subprocess.run(command, check=True))
    except subprocess.CalledProcessError:
        files = sorted(photos.iterdir())
        with ProcessPoolExecutor() as pool:
            return "Pillow, thumbnails alone", _timed(lambda: list(pool.map(_thumbnail, files, chunksize=8)))


def _thumbnail(file: Path) -> int:
    with Image.open(file) as image:
        image.thumbnail((EDGE, EDGE), reducing_gap=2.0)
        return image.width


def _make_pipeline(loom: RunningLoom) -> str:
    body = {"name": "all", "definition": DEFINITION}
    return str(loom.api.post("/pipelines", json=body).json()["uuid"])


def _run(loom: RunningLoom, pipeline: str) -> None:
    answer = loom.api.post(f"/pipelines/{pipeline}/run", json={"filter": ["type[eq]=image/jpeg"]})
    assert answer.status_code == 202, answer.text
    ended = loom.wait_for_task(answer.json()["runUuid"], 1800)
    assert (ended["state"], ended["result"]["success"]) == ("SUCCEEDED", PHOTOS), ended


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
