"""The plan of a scan: pieces that are small at first, and parts of a bounded size."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.scan_rules import ScanRules
from workers.handlers import scan_plan
from workers.handlers.scan_plan import PART_FILES, Cursor, Merge, Mode
from workers.processing.selecting import Selection
from workers.processing.walking import FoundFile, walk


def found(number: int) -> FoundFile:
    return FoundFile(b"%08d" % number, 1, number, 10, 0, 0)


def _merge(cursor: Cursor) -> Merge:
    return Merge(iter(()), cursor, Selection(ScanRules()), Mode())


def test_workers_get_something_to_do_before_the_walk_has_come_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_plan, "_PLAN_SECONDS", 60)  # a piece that takes long to fill is handed on as it is
    pieces = list(_merge(Cursor()).run([found(number).stamp] for number in range(60 * PART_FILES)))
    parts = [len(piece.parts) for piece in pieces]
    assert parts[:4] == [2, 4, 8, 16]
    assert max(parts) == 16
    items = [item for piece in pieces for part in piece.parts for item in part.items]
    assert [item["index"] for item in items] == list(range(60 * PART_FILES))
    assert max(len(part.items) for piece in pieces for part in piece.parts) == PART_FILES


def test_a_plan_goes_on_from_its_cursor(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}").write_bytes(b"x")
    (piece,) = _merge(Cursor(b"1", 2)).run(walk(os.fsencode(tmp_path), b"1"))
    assert [(item["index"], item["path"]) for item in piece.parts[0].items] == [(2, "2"), (3, "3"), (4, "4")]
    assert piece.cursor == {"path": "4", "index": 5, "known": 0, "gone": 0}
