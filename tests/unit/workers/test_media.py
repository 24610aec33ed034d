"""Nodes look at files in a child process: no file hurts the worker, and each costs at most its own nodes."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from PIL import Image, ImageCms

from models.ids import new_id
from models.pipelines.engine import ItemState
from models.pipelines.examining import examine
from models.pipelines.outcomes import NodeState, Outcome
from tests.support.waiting import wait_until
from workers.media.sandbox import Request, Sandbox, Sandboxes
from workers.media.wire import Gone
from workers.nodes import DESCRIPTORS, NODES
from workers.nodes.base import Acting, Artifact, Facts
from workers.running.items import ItemRun, RanItem

_MEBIBYTES = 256


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[Sandboxes]:
    sandboxes = Sandboxes(1)
    yield sandboxes
    sandboxes.close()


def _png(width: int, height: int, data: bytes) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def _image(kind: str, size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    buffer = BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


def _gif(frames: int) -> bytes:
    buffer = BytesIO()
    pictures = [Image.new("P", (300, 300), number % 256) for number in range(frames)]
    pictures[0].save(buffer, "GIF", save_all=True, append_images=pictures[1:], loop=0)
    return buffer.getvalue()


def _look(sandboxes: Sandboxes, data: bytes, mime_type: str, folder: Path, **limits: Any) -> dict[str, Outcome]:
    place = folder / "file"
    place.write_bytes(data)
    found = {}
    with sandboxes.borrow() as sandbox:
        for kind in NODES:
            descriptor = os.open(place, os.O_RDONLY)
            try:
                sandbox.open(descriptor, mime_type, "file")
                request = Request(kind, {}, {}, limits.get("seconds", 20), limits.get("mebibytes", _MEBIBYTES))
                found[kind] = sandbox.run(request)[0]
            except Gone as error:
                found[kind] = Outcome(NodeState.FAILED, message=str(error))
            finally:
                os.close(descriptor)
        assert sandbox.pid is None or psutil.Process(sandbox.pid).memory_info().rss < 3 * _MEBIBYTES * 1024**2
    return found


_LOOKING = ("metadata", "quality", "thumbnail", "dominant-color", "image-hash")


def _states(found: Mapping[str, Outcome]) -> dict[str, NodeState]:
    return {kind: found[kind].state for kind in _LOOKING}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_pictures_of_many_formats(sandboxes: Sandboxes, tmp_path: Path, kind: str) -> None:
    found = _look(sandboxes, _image(kind), f"image/{kind.lower()}", tmp_path)
    assert _states(found) == dict.fromkeys(_LOOKING, NodeState.COMPLETED)
    thumbnail = found["thumbnail"].outputs["thumbnail"]
    assert isinstance(thumbnail, Artifact)
    with Image.open(BytesIO(thumbnail.data)) as image:
        assert (image.format, image.size) == ("WEBP", (60, 40))
    assert found["metadata"].outputs["metadata"]["format"] == kind


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (b"", "image/jpeg"), (b"\xff\xd8\xff", "image/jpeg"), (b"nonsense", "image/png"),
        (_image("JPEG", (800, 600), quality=95)[:9000], "image/jpeg"),
        (_png(65_000, 65_000, b"\0" * 10**6), "image/png"),
        (_png(19_000, 19_000, b"\0" * 10**7), "image/png"), (_png(0, 0, b""), "image/png"),
        (_image("PNG")[:60], "image/png"), (_image("TIFF")[:20], "image/tiff"), (_image("WEBP")[:30], "image/webp"),
    ],
    ids=["empty", "three bytes", "no picture", "cut off", "a header of 65,000", "a bomb", "of no size", "half a PNG",
         "half a TIFF", "half a WebP"],
)  # fmt: skip
def test_hostile_files_fail_by_name(sandboxes: Sandboxes, tmp_path: Path, data: bytes, mime_type: str) -> None:
    found = _look(sandboxes, data, mime_type, tmp_path)
    assert found["thumbnail"].state is NodeState.FAILED
    assert found["thumbnail"].message
    assert found["md5"].state is NodeState.COMPLETED, "what looks at bytes does not mind"


def test_only_the_first_frame_of_an_endless_picture_is_looked_at(sandboxes: Sandboxes, tmp_path: Path) -> None:
    found = _look(sandboxes, _gif(400), "image/gif", tmp_path, seconds=5)
    assert found["thumbnail"].state is NodeState.COMPLETED


def test_what_takes_too_long_is_killed(sandboxes: Sandboxes, tmp_path: Path) -> None:
    found = _look(sandboxes, _image("PNG", (3000, 3000)), "image/png", tmp_path, seconds=0.001)
    assert all("more than 0.001 s" in (found[kind].message or "") for kind in _LOOKING)
    assert _states(_look(sandboxes, _image("JPEG"), "image/jpeg", tmp_path)) == dict.fromkeys(
        _LOOKING, NodeState.COMPLETED
    )


def test_a_child_that_dies_is_replaced(sandboxes: Sandboxes, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(_image("JPEG"))
    with place.open("rb") as file, sandboxes.borrow() as sandbox:
        sandbox.open(file.fileno(), "image/jpeg", "file")
        assert sandbox.pid is not None
        victim = psutil.Process(sandbox.pid)
        victim.kill()
        with pytest.raises(Gone, match="died"):
            sandbox.run(Request("quality", {}, {}, 5, _MEBIBYTES))
        sandbox.open(file.fileno(), "image/jpeg", "file")
        assert sandbox.run(Request("quality", {}, {}, 5, _MEBIBYTES))[0].state is NodeState.COMPLETED
        assert sandbox.pid != victim.pid
    wait_until(lambda: not victim.is_running())


def test_what_is_transparent_stays_so_and_has_no_colour(sandboxes: Sandboxes, tmp_path: Path) -> None:
    buffer = BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(buffer, "PNG")
    found = _look(sandboxes, buffer.getvalue(), "image/png", tmp_path)
    assert found["dominant-color"].state is NodeState.SKIPPED
    with Image.open(BytesIO(found["thumbnail"].outputs["thumbnail"].data)) as image:
        assert image.mode == "RGBA"


def test_colours_are_those_of_srgb_whatever_the_profile(sandboxes: Sandboxes, tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    for profile in (srgb.tobytes(), lab.tobytes(), b"no profile"):
        found = _look(sandboxes, _image("JPEG", icc_profile=profile), "image/jpeg", tmp_path)
        assert _states(found) == dict.fromkeys(_LOOKING, NodeState.COMPLETED)
    buffer = BytesIO()
    Image.new("CMYK", (20, 20), (0, 255, 255, 0)).save(buffer, "JPEG")
    assert _look(sandboxes, buffer.getvalue(), "image/jpeg", tmp_path)["dominant-color"].outputs["hex"] == "#ff0000"


def test_places_are_kept_rounded_or_dropped(sandboxes: Sandboxes, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x8825] = {1: "S", 2: (33.0, 51.0, 24.12), 3: "E", 4: (151.0, 12.0, 30.6)}
    place = tmp_path / "file"
    place.write_bytes(_image("JPEG", exif=exif))
    found = []
    with place.open("rb") as file, sandboxes.borrow() as sandbox:
        sandbox.open(file.fileno(), "image/jpeg", "file")
        for policy in ("KEEP", "ROUND", "DROP"):
            request = Request("metadata", {"gpsPolicy": policy, "gpsRoundDecimals": 1}, {}, 5, _MEBIBYTES)
            found.append(sandbox.run(request)[0].outputs.get("geo"))
    assert found == [{"lat": -33.8567, "lon": 151.2085}, {"lat": -33.9, "lon": 151.2}, None]


def test_pictures_that_look_alike_have_near_hashes(sandboxes: Sandboxes, tmp_path: Path) -> None:
    def hashes(data: bytes) -> dict[str, int]:
        outputs = _look(sandboxes, data, "image/jpeg", tmp_path)["image-hash"].outputs
        return {name: int(value, 16) for name, value in outputs.items()}

    noise = Image.effect_noise((16, 12), 90).resize((640, 480), Image.Resampling.BICUBIC).convert("RGB")

    def spell(image: Image.Image, quality: int) -> bytes:
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()

    whole, small, other = (
        hashes(spell(noise, 95)),
        hashes(spell(noise.resize((320, 240)), 40)),
        hashes(spell(noise.transpose(Image.Transpose.ROTATE_180), 95)),
    )
    for name in ("phash", "dhash"):
        assert (whole[name] ^ small[name]).bit_count() <= 6
        assert (whole[name] ^ other[name]).bit_count() > 12


def test_descriptors_are_derived_of_the_classes() -> None:
    thumbnail = DESCRIPTORS["thumbnail"]
    assert thumbnail.description == (
        "Makes a small picture of images, videos, PDF and sounds (cover or loudness), upright and in sRGB."
    )
    size = next(each for each in thumbnail.own_parameters if each.key == "size")
    assert (size.type, size.default, size.least, size.most, size.label) == ("INTEGER", 384, 16, 800, "Size")
    policy = next(each for each in DESCRIPTORS["metadata"].own_parameters if each.key == "gpsPolicy")
    assert (policy.type, policy.values) == ("ENUM", ("KEEP", "ROUND", "DROP"))
    assert all(each.kind == kind and each.name and each.description for kind, each in DESCRIPTORS.items())


def test_the_child_has_neither_a_database_nor_a_broker_to_reach() -> None:
    told = "import sys, workers.media.child; print({'sqlalchemy', 'psycopg', 'redis', 'obstore'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_file_whose_decoder_was_killed_is_looked_at_once_more(
    sandboxes: Sandboxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a node that kills its own process, once or always."""
    place = tmp_path / "file"
    place.write_bytes(_image("JPEG"))
    facts = Facts(new_id(), "00" * 64, place.stat().st_size, "image/jpeg", "file", False, datetime.now(UTC))
    real, deaths = Sandbox.run, 1

    def run(sandbox: Sandbox, request: Request) -> Any:
        nonlocal deaths
        if deaths and sandbox.pid is not None:
            deaths -= 1
            psutil.Process(sandbox.pid).kill()
        return real(sandbox, request)

    monkeypatch.setattr(Sandbox, "run", run)
    graph = examine({"nodes": [{"id": "s", "type": "asset-source"}, {"id": "q", "type": "quality"}],
                     "edges": [{"source": "s", "target": "q"}]}, DESCRIPTORS).graph  # fmt: skip
    assert graph is not None

    def look() -> RanItem:
        acting = Acting(facts, cast("Any", None), False, lambda: cast("Any", place.open("rb")))
        return ItemRun(graph, acting, {}, sandboxes).run(0)

    assert look().state is ItemState.SUCCESS
    deaths = 2
    told = look()
    assert (told.state, "died" in (told.message or "")) == (ItemState.FAILED, True)
