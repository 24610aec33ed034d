"""Generations on disk, and damage to them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from models.search import IndexBroken, IndexBusy, IndexDamaged, IndexHome, TantivyReader, TantivyWriter
from models.search.integrity import Watch
from tests.support.documents import build_generation, build_index, make_asset_document, make_index_state

DOCUMENTS = [make_asset_document(f"IMG_{number}.jpg") for number in range(100)]


def _largest(folder: Path) -> Path:
    return max((path for path in folder.iterdir() if path.suffix not in ("", ".json", ".lock")), key=os.path.getsize)


def _shorten(folder: Path) -> None:
    path = _largest(folder)
    path.write_bytes(path.read_bytes()[:-1])


def _flip(folder: Path) -> None:
    path = _largest(folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)


def _remove(folder: Path) -> None:
    _largest(folder).unlink()


DAMAGE: list[Callable[[Path], object]] = [
    _shorten,
    _flip,
    _remove,
    lambda folder: _largest(folder).write_bytes(b""),
    lambda folder: (folder / "meta.json").write_bytes(b"{}"),
    lambda folder: (folder / "meta.json").write_bytes(b"\xff" * 100),
    lambda folder: (folder / ".managed.json").write_bytes(b"no"),
    shutil.rmtree,
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_index_is_not_opened(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    generation = build_generation(IndexHome(tmp_path), DOCUMENTS)
    damage(generation.segments)
    with pytest.raises(IndexDamaged):
        TantivyWriter(generation)


def test_change_of_a_file_is_noticed_while_open(tmp_path: Path) -> None:
    generation = build_generation(IndexHome(tmp_path), DOCUMENTS)
    watch = Watch(generation.segments)
    watch.check()
    path = _largest(generation.segments)
    os.utime(path, ns=(1, 1))
    with pytest.raises(IndexBroken, match=path.name):
        watch.check()


def test_own_commits_and_merges_are_no_damage(tmp_path: Path) -> None:
    generation = build_generation(IndexHome(tmp_path), DOCUMENTS)
    writer = TantivyWriter(generation)
    for document in DOCUMENTS:
        writer.replace([document.asset_id], [document])
        writer.commit(make_index_state())
        writer.check()
    writer.close(wait_for_merges=True)
    Watch(generation.segments).verify()


def test_files_of_merged_segments_do_not_pile_up(tmp_path: Path) -> None:
    generation = build_generation(IndexHome(tmp_path), DOCUMENTS)
    writer = TantivyWriter(generation)
    most = 0
    for round_ in range(100):
        document = DOCUMENTS[round_ % 10]
        writer.replace([document.asset_id], [document])
        writer.commit(make_index_state())
        most = max(most, len(os.listdir(generation.segments)))
    writer.close(wait_for_merges=True)
    assert most < 200
    assert len(os.listdir(generation.segments)) < 100


def test_generation_has_one_writer(tmp_path: Path) -> None:
    generation = build_generation(IndexHome(tmp_path), DOCUMENTS)
    writer = TantivyWriter(generation)
    with pytest.raises(IndexBusy):
        TantivyWriter(generation)
    writer.close()
    TantivyWriter(generation).close()


def test_closed_writer_writes_no_more(tmp_path: Path) -> None:
    writer = TantivyWriter(build_generation(IndexHome(tmp_path), DOCUMENTS))
    writer.close()
    with pytest.raises(IndexBroken):
        writer.commit(make_index_state())


def test_one_builder_at_a_time(tmp_path: Path) -> None:
    home, other = IndexHome(tmp_path), IndexHome(tmp_path)
    with home.building(), pytest.raises(IndexBusy), other.building():
        pass
    with other.building():
        pass


def test_uncommitted_generation_is_removed_by_the_next_builder(tmp_path: Path) -> None:
    home = build_index(tmp_path, *DOCUMENTS)
    with home.building():
        TantivyWriter(home.create()).close()
    with home.building():
        home.remove_others()
    current = home.current()
    assert current
    assert [path.name for path in (tmp_path / "generations").iterdir()] == [current.name]


@pytest.mark.parametrize("text", ["", "../../etc", "x" * 36, "\x00", "é", "0" * 36 + "/.."])
def test_bad_name_of_a_generation_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "CURRENT").write_text(text, "utf-8")
    assert IndexHome(tmp_path).current() is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": 1}', "null"])
def test_bad_position_is_none(tmp_path: Path, text: str) -> None:
    generation = build_generation(IndexHome(tmp_path), [])
    (generation.path / "position.json").write_text(text)
    assert generation.read_state() is None


def test_files_that_no_segment_has_are_removed_when_somebody_writes_again(tmp_path: Path) -> None:
    generation = build_generation(IndexHome(tmp_path), DOCUMENTS)
    kept = {path.name for path in generation.segments.iterdir()}
    (generation.segments / f"{'a1' * 16}.store").write_bytes(b"left by a merge that was given up")
    TantivyWriter(generation).close()
    assert {path.name for path in generation.segments.iterdir() if ".lock" not in path.name} <= kept
    for _ in range(30):
        writer = TantivyWriter(generation)
        writer.replace([each.asset_id for each in DOCUMENTS], DOCUMENTS)
        writer.commit(make_index_state())
        writer.add(DOCUMENTS)
        writer.close()
    TantivyWriter(generation).close()
    assert len(list(generation.segments.iterdir())) < 100
    assert TantivyReader(tmp_path).document_count() == len(DOCUMENTS)
