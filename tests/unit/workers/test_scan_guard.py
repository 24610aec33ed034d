"""No scan believes that a pool has lost its files when it is the folder that is wrong."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.entities import Task, TaskState
from tests.support.platforms import rows
from tests.support.scanner import Scanner

_FILES = 120


@pytest.fixture
def filled(scanner: Scanner) -> Scanner:
    for number in range(_FILES):
        scanner.write(f"{number % 2}/{number:03}", str(number).encode())
    scanner.scan()
    return scanner


def _state(scanner: Scanner) -> Any:
    """Everything that a scan could change."""
    return rows(scanner.platform, "SELECT * FROM location ORDER BY id"), rows(
        scanner.platform, "SELECT * FROM asset ORDER BY id"
    )


def _refused(scanner: Scanner, code: str, **options: Any) -> Task:
    before = _state(scanner)
    task = scanner.scan(**options)
    assert (task.state, task.error_code) == (TaskState.FAILED, code)
    assert _state(scanner) == before
    assert task.done + task.failed + task.skipped == task.total
    return task


def _replace(scanner: Scanner, act: Callable[[Path], object]) -> None:
    scanner.root.rename(scanner.root.with_name("aside"))
    act(scanner.root)


def test_a_root_that_is_not_there(filled: Scanner) -> None:
    _replace(filled, lambda _: None)
    _refused(filled, "pool-root-absent")


def test_a_root_that_is_empty_where_it_was_not(filled: Scanner) -> None:
    _replace(filled, Path.mkdir)
    task = _refused(filled, "pool-root-empty")
    assert f'{{"confirmMissing": {_FILES}}}' in str(task.error_message)


def test_a_root_in_whose_place_is_a_symbolic_link(filled: Scanner) -> None:
    _replace(filled, lambda root: root.symlink_to(root.with_name("aside")))
    _refused(filled, "pool-root-linked")


def test_a_root_that_lies_on_another_device(filled: Scanner) -> None:
    filled.execute("UPDATE pool SET root_device = root_device + 1, root_fsid = root_fsid + 1")
    task = _refused(filled, "pool-root-moved")
    assert re.search(r'POST /api/v1/asset-pools/[0-9a-f-]+/scan {"confirmRoot": true}', str(task.error_message))
    assert filled.counts(confirm_root=True) == {"unchanged": _FILES}
    assert filled.counts() == {"unchanged": _FILES}


def test_a_device_that_has_another_number_costs_nothing(filled: Scanner) -> None:
    filled.execute("UPDATE pool SET root_device = root_device + 1")
    filled.execute("UPDATE location SET device = device + 1")
    assert filled.counts() == {"unchanged": _FILES}


@pytest.mark.parametrize("trouble", [errno.EACCES, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("place", ["the root", "a folder"])
def test_what_cannot_be_read(filled: Scanner, monkeypatch: pytest.MonkeyPatch, trouble: int, place: str) -> None:
    harmed, scandir = os.fsencode(filled.root), os.scandir
    harmed += b"" if place == "the root" else b"/0"

    def failing(path: Any) -> Any:
        if os.fsencode(path).rstrip(b"/") == harmed:
            raise OSError(trouble, os.strerror(trouble))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    if place == "the root":
        _refused(filled, "pool-root-unreadable")
    else:
        before = _state(filled)
        task = filled.scan()
        assert (task.state, task.failed, task.done) == (TaskState.PARTIAL, 1, _FILES // 2)
        assert _state(filled) == before


def test_half_of_the_tree_gone(filled: Scanner) -> None:
    (filled.root / "0").rename(filled.root.with_name("aside"))
    filled.write("1/new", b"new")
    task = _refused(filled, "pool-missing-threshold")
    message = str(task.error_message)
    assert f"{_FILES // 2} of {_FILES} files would go missing, more than 20 % and 50 files" in message
    assert f'{{"confirmMissing": {_FILES // 2}}}' in message
    _refused(filled, "pool-missing-threshold", confirm_missing=_FILES // 2 - 1)
    assert filled.counts(confirm_missing=_FILES // 2) == {"new": 1, "unchanged": _FILES // 2, "missing": _FILES // 2}
    assert filled.catalogue() == filled.folder()


def test_the_threshold_is_the_pools_own(filled: Scanner) -> None:
    filled.execute("""UPDATE pool SET scan_rules = '{"missingPercent": 0, "missingFiles": 0}' """)
    (filled.root / "0/000").unlink()
    _refused(filled, "pool-missing-threshold")
    filled.execute("""UPDATE pool SET scan_rules = '{"missingPercent": 100}' """)
    shutil.rmtree(filled.root / "0")
    assert filled.counts() == {"suspected": _FILES // 2, "unchanged": _FILES // 2}


def test_files_of_a_folder_that_was_renamed_are_not_gone(filled: Scanner) -> None:
    (filled.root / "0").rename(filled.root / "another")
    assert filled.counts() == {"moved": _FILES // 2, "unchanged": _FILES // 2}
    assert filled.catalogue() == filled.folder()


def test_one_scan_may_be_wrong(filled: Scanner) -> None:
    (filled.root / "0/000").rename(filled.root.with_name("aside"))
    before = filled.catalogue()
    assert filled.counts() == {"suspected": 1, "unchanged": _FILES - 1}
    assert filled.catalogue() == before
    filled.root.with_name("aside").rename(filled.root / "0/000")
    filled.counts()
    (filled.root / "0/000").unlink()
    assert filled.counts() == {"suspected": 1, "unchanged": _FILES - 1}, "it was seen between"
    assert filled.counts() == {"missing": 1, "unchanged": _FILES - 1}


def test_a_dry_run_tells_what_a_scan_would_do(filled: Scanner) -> None:
    (filled.root / "0").rename(filled.root.with_name("aside"))
    filled.write("1/new", b"new")
    filled.write("1/001", b"changed")
    before = _state(filled)
    task = filled.scan(dry_run=True)
    assert _state(filled) == before
    result = dict(task.result or {})
    refusal = result.pop("refusal")
    assert refusal["code"] == "pool-missing-threshold"
    assert {name: count for name, count in result.items() if count} == {
        "dryRun": True, "unchanged": _FILES // 2 - 1, "would-be-added": 1, "would-be-hashed": 1,
        "would-be-unseen": _FILES // 2,
    }  # fmt: skip
    told = {item.subject: item.code for item in filled.items(task)}
    assert (told["1/new"], told["1/001"], told["0/000"]) == ("would-be-added", "would-be-hashed", "would-be-unseen")


def test_a_name_in_another_case_is_another_file(filled: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where case does not matter, the old name still opens the file that was renamed."""
    filled.write("1/name", b"content")
    filled.scan()
    (filled.root / "1/name").rename(filled.root / "1/NAME")
    look = os.stat

    def forgiving(path: Any, **options: Any) -> os.stat_result:
        return look(b"NAME" if path == b"name" else path, **options)

    monkeypatch.setattr(os, "stat", forgiving)
    assert filled.counts() == {"moved": 1, "unchanged": _FILES}
    assert filled.catalogue() == filled.folder()


def test_a_folder_in_the_place_of_a_file(filled: Scanner) -> None:
    (filled.root / "0/000").unlink()
    filled.write("0/000/inside", b"inside")
    filled.scan()
    filled.scan()
    assert filled.catalogue() == filled.folder()
