"""Scanning a pool: the catalogue after each scan is what lies in the folder."""

from __future__ import annotations

import errno
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from models.entities import Pool, TaskState
from models.ids import new_id
from models.messages import Queue
from models.paths import decode_path, encode_path
from models.scan_rules import ScanRules
from models.tree import Tree
from tests.support.scanner import Scanner
from workers.handlers.scan_plan import Cursor, Merge, Mode
from workers.inline import run_all, run_one
from workers.processing.selecting import Selection
from workers.processing.walking import UnreadableDirectory


def test_the_catalogue_becomes_what_is_in_the_folder(scanner: Scanner) -> None:
    for number in range(40):
        scanner.write(f"folder-{number % 3}/file-{number}.txt", f"content {number % 30}".encode())
    assert scanner.counts() == {"new": 40, "duplicates": 10}
    assert scanner.catalogue() == scanner.folder()
    assert len(scanner.assets()) == 30


def test_a_second_scan_finds_everything_unchanged(scanner: Scanner) -> None:
    scanner.write("a", b"a")
    scanner.scan()
    assert scanner.counts() == {"unchanged": 1}


def test_an_empty_pool_is_scanned(scanner: Scanner) -> None:
    assert scanner.counts() == {}


def test_names_of_any_bytes_survive_the_round_trip(scanner: Scanner) -> None:
    for name in (
        b"\xff\xfe",
        b"new\nline",
        b"back\\slash",
        "gr\u00fc\u00df".encode(),
        b"x" * 255,
        b" ",
        b"-rf",
        b"'\";--",
        b"%s\x01",
    ):
        scanner.write(name, name)
    scanner.scan()
    assert scanner.catalogue() == scanner.folder()


def test_very_long_paths_are_catalogued_and_found_again(scanner: Scanner) -> None:
    generator = random.Random(1)
    folder = "/".join(generator.randbytes(100).hex() for _ in range(18))
    names = [f"{folder}/{name}" for name in ("b", "a/x", "a.txt", "a0")]
    for name in [*names, folder[:1808] + "/short"]:
        scanner.write(name, name.encode())
    assert scanner.counts() == {"new": 5}
    assert scanner.catalogue() == scanner.folder()
    assert scanner.counts() == {"unchanged": 5}
    scanner.write(names[1], b"other")
    (scanner.root / names[2]).rename(scanner.root / folder / "c")
    (scanner.root / names[3]).unlink()
    assert scanner.counts() == {"changed": 1, "moved": 1, "suspected": 1, "unchanged": 2}
    assert scanner.counts() == {"unchanged": 4, "missing": 1}
    assert scanner.catalogue() == scanner.folder()


def test_a_known_place_where_nobody_may_look_is_no_origin_of_a_move(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanner.write("locked/a", b"same")
    scanner.scan()
    scanner.write("b", b"same")
    look = Tree.stat

    def stat(tree: Tree, path: bytes) -> os.stat_result | None:
        if path == b"locked/a":
            raise PermissionError(errno.EACCES, "Permission denied")
        return look(tree, path)

    monkeypatch.setattr(Tree, "stat", stat)
    assert scanner.counts() == {"new": 1, "duplicates": 1, "unchanged": 1}


def _merge(cursor: Cursor) -> Merge:
    return Merge(iter(()), cursor, Selection(ScanRules()), Mode())


def test_an_unreadable_folder_is_counted_once_however_often_the_plan_goes_on() -> None:
    locked = UnreadableDirectory(b"locked/", "Permission denied")
    (first,) = _merge(Cursor()).run(iter([locked]))
    assert (first.outcome.failed, len(first.outcome.items)) == (1, 1)
    (second,) = _merge(Cursor.read(first.cursor)).run(iter([locked]))
    assert (second.outcome.failed, second.outcome.items, second.cursor) == (0, [], first.cursor)


def test_a_changed_file_gets_the_asset_of_its_new_content(scanner: Scanner) -> None:
    scanner.write("a", b"old")
    scanner.scan()
    scanner.write("a", b"newer")
    assert scanner.counts() == {"changed": 1}
    assert scanner.catalogue() == scanner.folder()
    assert len(scanner.assets()) == 2, "the old content keeps its asset, with tags and all"


def test_a_touched_file_keeps_its_asset(scanner: Scanner) -> None:
    scanner.write("a", b"same")
    scanner.scan()
    before = scanner.assets()
    os.utime(scanner.root / "a", ns=(1, 1))
    assert scanner.counts() == {"touched": 1}
    assert scanner.assets() == before
    assert scanner.counts() == {"unchanged": 1}


def test_a_moved_file_keeps_its_place_and_asset(scanner: Scanner) -> None:
    scanner.write("z/old", b"content")
    scanner.write("stays", b"other")
    scanner.scan()
    (scanner.root / "a").mkdir()
    (scanner.root / "z/old").rename(scanner.root / "a/new")
    assert scanner.counts() == {"moved": 1, "unchanged": 1}
    assert scanner.catalogue() == scanner.folder()
    assert scanner.catalogue("MISSING") == {}


def test_a_moved_folder_keeps_every_place(scanner: Scanner) -> None:
    for number in range(20):
        scanner.write(f"before/{number}", f"{number % 15}".encode())
    scanner.scan()
    (scanner.root / "before").rename(scanner.root / "after")
    assert scanner.counts() == {"moved": 20}
    assert scanner.catalogue() == scanner.folder()
    assert scanner.catalogue("MISSING") == {}


def test_a_copy_is_no_move(scanner: Scanner) -> None:
    scanner.write("a", b"content")
    scanner.scan()
    shutil.copy2(scanner.root / "a", scanner.root / "b")
    assert scanner.counts() == {"new": 1, "duplicates": 1, "unchanged": 1}


def test_two_files_that_change_places_are_seen_as_changed(scanner: Scanner) -> None:
    scanner.write("a", b"one")
    scanner.write("b", b"two")
    scanner.scan()
    (scanner.root / "a").rename(scanner.root / "c")
    (scanner.root / "b").rename(scanner.root / "a")
    (scanner.root / "c").rename(scanner.root / "b")
    assert scanner.counts() == {"changed": 2}
    assert scanner.catalogue() == scanner.folder()


def test_a_missing_file_is_noted_and_a_returned_one_restored(scanner: Scanner, tmp_path: Path) -> None:
    scanner.write("a", b"content")
    scanner.write("b", b"other")
    scanner.scan()
    shutil.move(scanner.root / "a", tmp_path / "elsewhere")
    assert scanner.counts() == {"suspected": 1, "unchanged": 1}
    assert set(scanner.catalogue()) == {b"a", b"b"}, "one scan may be wrong"
    assert scanner.counts() == {"missing": 1, "unchanged": 1}
    assert set(scanner.catalogue("MISSING")) == {b"a"}
    assert scanner.counts() == {"unchanged": 1}, "what is known to be missing is not found missing again"
    shutil.move(tmp_path / "elsewhere", scanner.root / "a")
    assert scanner.counts() == {"returned": 1, "unchanged": 1}
    assert scanner.catalogue() == scanner.folder()


def test_a_file_that_returns_with_other_content(scanner: Scanner) -> None:
    scanner.write("a", b"content")
    scanner.write("b", b"other")
    scanner.scan()
    (scanner.root / "a").unlink()
    scanner.scan()
    scanner.scan()
    scanner.write("a", b"new content")
    assert scanner.counts() == {"returned": 1, "unchanged": 1}
    assert scanner.catalogue() == scanner.folder()


def test_a_missing_file_that_turns_up_elsewhere_has_moved(scanner: Scanner) -> None:
    scanner.write("a", b"content")
    scanner.write("b", b"other")
    scanner.scan()
    (scanner.root / "a").unlink()
    scanner.scan()
    scanner.scan()
    scanner.write("c", b"content")
    assert scanner.counts() == {"moved": 1, "unchanged": 1}
    assert scanner.catalogue("MISSING") == {}


@pytest.mark.parametrize("harm", ["removed", "emptied", "replaced by a file"])
def test_a_lost_root_changes_nothing(scanner: Scanner, harm: str) -> None:
    scanner.write("a", b"content")
    scanner.scan()
    before = scanner.catalogue()
    shutil.rmtree(scanner.root)
    if harm == "emptied":
        scanner.root.mkdir()
    elif harm != "removed":
        scanner.root.write_bytes(b"")
    task = scanner.scan()
    assert task.state == TaskState.FAILED
    assert str(task.error_code).startswith("pool-root-")
    assert scanner.catalogue() == before


def test_a_file_that_vanishes_before_it_is_read_is_skipped(scanner: Scanner) -> None:
    scanner.write("a", b"content")
    scanner.write("b", b"other")
    task_id = scanner.start()
    assert run_one(scanner.platform, Queue.BULK)
    (scanner.root / "a").unlink()
    run_all(scanner.platform)
    task = scanner.task(task_id)
    assert (task.state, task.done, task.skipped, task.total) == (TaskState.SUCCEEDED, 1, 1, 2)
    assert [(item.subject, item.code) for item in scanner.items(task)] == [("a", "file-vanished")]
    assert scanner.catalogue() == scanner.folder()


def test_a_file_that_was_gone_and_is_there_again_is_not_marked_missing(scanner: Scanner) -> None:
    scanner.write("a", b"content")
    scanner.write("b", b"other")
    scanner.scan()
    (scanner.root / "a").rename(scanner.root.parent / "aside")
    task_id = scanner.start()
    assert run_one(scanner.platform, Queue.BULK)
    (scanner.root.parent / "aside").rename(scanner.root / "a")
    run_all(scanner.platform)
    result = scanner.task(task_id).result or {}
    assert (result["missing"], result["suspected"]) == (0, 0)
    assert scanner.catalogue() == scanner.folder()


def test_files_of_other_pools_and_spaces_are_not_touched(scanner: Scanner) -> None:
    scanner.write("a", b"content")
    scanner.scan()
    other = Pool(
        id=new_id(), space_id=scanner.actor.space_id, name="other", fs_path=encode_path(os.fsencode(scanner.root))
    )
    with scanner.platform.unit_of_work() as uow:
        uow.session.add(other)
        uow.commit()
    second = Scanner(scanner.platform, scanner.actor, scanner.root, other.id)
    assert second.counts() == {"new": 1, "duplicates": 1}
    assert second.catalogue() == scanner.catalogue()
    assert len(scanner.assets()) == 1


def test_a_scan_of_many_parts_is_complete_and_events_tell_of_each_asset_once(scanner: Scanner) -> None:
    for number in range(700):
        scanner.write(f"{number:04}", str(number).encode())
    assert scanner.counts() == {"new": 700}
    with scanner.platform.unit_of_work() as uow:
        rows: Any = uow.execute(
            "SELECT count(*), count(DISTINCT subject_id) FROM event WHERE type = 'asset.created'"
        ).one()
    assert tuple(rows) == (700, 700)


def test_paths_in_reports_can_be_turned_back_into_file_names(scanner: Scanner) -> None:
    scanner.write(b"odd \xff\n", b"1")
    task_id = scanner.start()
    run_one(scanner.platform, Queue.BULK)
    os.unlink(os.path.join(os.fsencode(scanner.root), b"odd \xff\n"))
    run_all(scanner.platform)
    item = scanner.items(scanner.task(task_id))[0]
    assert decode_path(item.subject) == b"odd \xff\n"
