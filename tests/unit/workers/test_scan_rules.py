"""What a scan does not look at keeps its state."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest

from models.entities import TaskState
from tests.support.scanner import Scanner

_NAMES = ("a.jpg", "b.tmp", ".hidden", "cache/c.jpg", "deep/cache/d.jpg", "deep/.git/e", "deep/f.jpg")


@pytest.fixture
def filled(scanner: Scanner) -> Scanner:
    for name in _NAMES:
        scanner.write(name, name.encode())
    return scanner


def _rule(scanner: Scanner, **rules: Any) -> None:
    scanner.execute(f"UPDATE pool SET scan_rules = '{json.dumps(rules)}'")


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ({"hidden": False}, {"a.jpg", "b.tmp", "cache/c.jpg", "deep/cache/d.jpg", "deep/f.jpg"}),
        ({"exclude": ["cache/", "*.tmp"]}, {"a.jpg", ".hidden", "deep/.git/e", "deep/f.jpg"}),
        ({"exclude": ["/cache"]}, set(_NAMES) - {"cache/c.jpg"}),
        ({"include": ["*.jpg"]}, {"a.jpg", "cache/c.jpg", "deep/cache/d.jpg", "deep/f.jpg"}),
        ({"include": ["/deep/**"], "exclude": [".git"]}, {"deep/cache/d.jpg", "deep/f.jpg"}),
        ({"maxSize": len("deep/.git/e")}, {"a.jpg", "b.tmp", ".hidden", "cache/c.jpg", "deep/.git/e", "deep/f.jpg"}),
    ],
)
def test_rules_of_the_pool(filled: Scanner, rules: dict[str, Any], found: set[str]) -> None:
    _rule(filled, **rules)
    filled.scan()
    assert set(filled.catalogue()) == {os.fsencode(name) for name in found}
    _rule(filled)
    filled.scan()
    assert filled.catalogue() == filled.folder()
    _rule(filled, **rules)
    for _ in range(2):
        filled.scan()
    assert filled.catalogue() == filled.folder(), "what is not looked at is not missing"


def test_patterns_of_a_request_come_on_top(filled: Scanner) -> None:
    _rule(filled, include=["*.jpg"])
    filled.scan(include=("/deep/",), exclude=("cache",))
    assert set(filled.catalogue()) == {b"deep/f.jpg"}


def test_what_is_gone_and_not_looked_at_is_not_missing(filled: Scanner) -> None:
    filled.scan()
    (filled.root / "b.tmp").unlink()
    for _ in range(2):
        filled.scan(exclude=("*.tmp",))
    assert b"b.tmp" in filled.catalogue()
    for _ in range(2):
        filled.scan()
    assert filled.catalogue() == filled.folder()


def test_a_file_that_may_still_be_written_waits(filled: Scanner) -> None:
    _rule(filled, minAgeSeconds=3600)
    assert filled.counts() == {"ignored": len(_NAMES)}
    _rule(filled, minAgeSeconds=1)
    deadline = time.monotonic() + 10
    while filled.counts().get("ignored") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert filled.catalogue() == filled.folder()


def test_a_scan_of_a_folder_leaves_the_rest_alone(filled: Scanner) -> None:
    filled.scan()
    (filled.root / "a.jpg").unlink()
    (filled.root / "deep/f.jpg").unlink()
    filled.write("deep/cache/new", b"new")
    filled.write("deeper", b"beside")
    for _ in range(2):
        filled.scan(path="deep")
    assert set(filled.catalogue("MISSING")) == {b"deep/f.jpg"}
    assert b"deep/cache/new" in filled.catalogue()
    assert b"deeper" not in filled.catalogue()


def test_a_folder_that_is_gone(filled: Scanner) -> None:
    filled.scan()
    for name in ("deep/f.jpg", "deep/cache/d.jpg", "deep/.git/e"):
        (filled.root / name).unlink()
    for name in ("deep/cache", "deep/.git", "deep"):
        (filled.root / name).rmdir()
    for _ in range(2):
        assert filled.scan(path="deep").state == TaskState.SUCCEEDED
    assert filled.catalogue() == filled.folder()


def test_no_link_leads_a_scan_of_a_folder_out_of_the_pool(filled: Scanner) -> None:
    outside = filled.root.with_name("outside")
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (filled.root / "link").symlink_to(outside)
    filled.scan(path="link")
    assert filled.catalogue() == {}
