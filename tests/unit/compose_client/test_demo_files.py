from __future__ import annotations

import os
from collections import Counter
from io import BytesIO
from pathlib import Path

import av
import pytest
from PIL import Image

from compose.demo_files import ensure_demo_files, survey
from compose.demo_files.plan import DemoFile, iter_files

_GPS_IFD = 0x8825


@pytest.fixture(scope="module")
def files() -> list[DemoFile]:
    return list(iter_files())


def _one(files: list[DemoFile], ending: bytes) -> bytes:
    return next(file.data for file in files if file.path.endswith(ending))


def test_there_are_a_few_hundred_of_many_kinds(files: list[DemoFile]) -> None:
    assert 250 <= len(files) <= 500
    assert len({file.path for file in files}) == len(files)
    kinds = Counter(file.path.rpartition(b".")[2].lower() for file in files)
    assert {b"jpg", b"png", b"webp", b"gif", b"mp4", b"mp3", b"flac", b"wav", b"pdf", b"txt"} <= set(kinds)


def test_a_photograph_knows_where_it_was_taken(files: list[DemoFile]) -> None:
    photo = next(file for file in files if b"lisbon" in file.path)
    with Image.open(BytesIO(photo.data)) as picture:
        position = picture.getexif().get_ifd(_GPS_IFD)
    assert (position[1], position[3]) == ("N", "W")
    assert float(position[2][0]) == 38


def test_a_film_and_a_sound_can_be_played(files: list[DemoFile]) -> None:
    with av.open(BytesIO(_one(files, b".mp4")), "r") as film:
        assert len(list(film.decode(video=0))) == 48
    for ending in (b".mp3", b".flac", b".wav"):
        with av.open(BytesIO(_one(files, ending)), "r") as sound:
            assert sum(int(frame.samples) for frame in sound.decode(audio=0)) > 20_000


def test_the_broken_picture_is_broken(files: list[DemoFile]) -> None:
    with Image.open(BytesIO(_one(files, b"cut off.jpg"))) as picture, pytest.raises(OSError, match="truncated"):
        picture.load()


def test_the_folder_holds_what_was_planned(files: list[DemoFile], tmp_path: Path) -> None:
    folder = tmp_path / "demo" / "media"
    ensure_demo_files(folder)
    found = survey(folder)
    assert found.files == len(files)
    assert found.contents == len({file.data for file in files})
    assert found.bytes == sum(len(file.data) for file in files)
    assert found.duplicates == 28
    # Made a second time, each file has the same bytes.
    assert [file.path for file in files if _read(folder, file) != file.data] == []
    assert sum(entry.is_symlink() for entry in folder.rglob("*.jpg")) == 1


def _read(folder: Path, file: DemoFile) -> bytes:
    return (folder / os.fsdecode(file.path)).read_bytes()


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    ensure_demo_files(tmp_path)
    assert list(tmp_path.iterdir()) == []
