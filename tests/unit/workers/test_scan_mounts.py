"""Bind mounts inside a pool: the same files at two places, one of which may go away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scanner import Scanner


@pytest.fixture
def bound(scanner: Scanner) -> Iterator[Path]:
    """A folder of the pool that shows another one."""
    for number in range(3):
        scanner.write(f"real/{number}", str(number).encode())
    place = scanner.root / "bound"
    place.mkdir()
    done = subprocess.run(["mount", "--bind", scanner.root / "real", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("only root may mount, and not everywhere")
    yield place
    subprocess.run(["umount", place], capture_output=True, check=False)


def test_a_bind_mount_shows_files_at_a_second_place(scanner: Scanner, bound: Path) -> None:
    assert scanner.counts() == {"new": 6, "duplicates": 3}
    assert scanner.catalogue() == scanner.folder()
    assert scanner.counts() == {"unchanged": 6}
    (bound / "0").rename(bound / "renamed")
    scanner.counts()
    scanner.counts()
    assert scanner.catalogue() == scanner.folder()
    assert len(scanner.assets()) == 3


def test_a_bind_mount_that_is_gone_takes_nothing_with_it(scanner: Scanner, bound: Path) -> None:
    scanner.scan()
    assets = scanner.assets()
    subprocess.run(["umount", bound], check=True)
    assert scanner.counts() == {"suspected": 3, "unchanged": 3}
    assert scanner.counts() == {"missing": 3, "unchanged": 3}
    assert (scanner.catalogue(), scanner.assets()) == (scanner.folder(), assets)
    subprocess.run(["mount", "--bind", scanner.root / "real", bound], check=True)
    assert scanner.counts() == {"returned": 3, "unchanged": 3}
    assert scanner.catalogue() == scanner.folder()
