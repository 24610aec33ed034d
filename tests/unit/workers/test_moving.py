"""Moving files: nothing is ever written over, and no byte is lost wherever it is interrupted."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.processing.moving import Elsewhere, Flag, MoveRefused, Moving, Spot, Taken, move

CONTENT = os.urandom(3 * 1024**2 + 5)
SHA512 = hashlib.sha512(CONTENT).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(CONTENT)
    return tmp_path


@pytest.fixture
def other_disk() -> Iterator[Path]:
    """A folder on another file system than the temporary one."""
    place = Path("/dev/shm") / f"loom-test-{os.getpid()}"
    if not place.parent.is_dir() or place.parent.stat().st_dev == Path("/tmp").stat().st_dev:
        pytest.skip("this machine has no second file system that anybody may write to, and only root can make one")
    place.mkdir()
    yield place
    shutil.rmtree(place)


def _moving(
    root: Path, target: str = "out/b/a.jpg", to: Path | None = None, *, may_copy: bool = False,
    keeps_source: bool = False,
) -> Moving:  # fmt: skip
    status = (root / "in" / "a.jpg").stat() if (root / "in" / "a.jpg").exists() else None
    mtime = status.st_mtime_ns if status else int((root / "mtime").read_text())
    (root / "mtime").write_text(str(mtime))
    return Moving(
        Spot(os.fsencode(root), b"in/a.jpg"), Spot(os.fsencode(to or root), target.encode()), SHA512, len(CONTENT),
        mtime, may_copy=may_copy, keeps_source=keeps_source,
    )  # fmt: skip


def test_a_file_gets_another_name_and_keeps_what_it_is(root: Path) -> None:
    before = (root / "in" / "a.jpg").stat()
    flag, status = move(_moving(root))
    assert (flag, status.st_ino, status.st_mtime_ns) == (Flag.MOVED, before.st_ino, before.st_mtime_ns)
    assert (root / "out" / "b" / "a.jpg").read_bytes() == CONTENT
    assert not (root / "in" / "a.jpg").exists()


def test_a_name_that_is_taken_is_not_written_over(root: Path) -> None:
    (root / "out").mkdir()
    (root / "out" / "a.jpg").write_bytes(b"somebody else's")
    with pytest.raises(Taken):
        move(_moving(root, "out/a.jpg"))
    assert (root / "out" / "a.jpg").read_bytes() == b"somebody else's"
    assert (root / "in" / "a.jpg").read_bytes() == CONTENT


def test_what_lies_there_already_as_a_copy_lets_the_original_go(root: Path) -> None:
    (root / "out").mkdir()
    (root / "out" / "a.jpg").write_bytes(CONTENT)
    assert move(_moving(root, "out/a.jpg"))[0] is Flag.ALREADY_THERE
    assert not (root / "in" / "a.jpg").exists()


def test_a_file_that_has_changed_stays(root: Path) -> None:
    moving = _moving(root)
    (root / "in" / "a.jpg").write_bytes(b"new words")
    with pytest.raises(MoveRefused, match="changed"):
        move(moving)
    assert (root / "in" / "a.jpg").read_bytes() == b"new words"
    assert not (root / "out" / "b" / "a.jpg").exists()


def test_no_symbolic_link_leads_out(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (root / "out").symlink_to(outside)
    with pytest.raises(MoveRefused):
        move(_moving(root, "out/a.jpg"))
    assert list(outside.iterdir()) == []
    assert (root / "in" / "a.jpg").exists()


@pytest.mark.parametrize("keeps_source", [True, False])
def test_to_another_file_system_it_is_copied_if_that_is_wanted(
    root: Path, other_disk: Path, *, keeps_source: bool
) -> None:
    with pytest.raises(Elsewhere):
        move(_moving(root, to=other_disk))
    flag, status = move(_moving(root, to=other_disk, may_copy=True, keeps_source=keeps_source))
    assert (flag, status.st_size) == (Flag.COPIED, len(CONTENT))
    assert (other_disk / "out" / "b" / "a.jpg").read_bytes() == CONTENT
    assert (root / "in" / "a.jpg").exists() is keeps_source
    assert [each.name for each in (other_disk / "out" / "b").iterdir()] == ["a.jpg"], "no draft is left"


def test_a_copy_that_is_not_what_was_hashed_is_given_up(root: Path, other_disk: Path) -> None:
    moving = _moving(root, to=other_disk, may_copy=True)
    broken = Moving(**{**vars(moving), "sha512": "0" * 128})
    with pytest.raises(MoveRefused, match="disk fails"):
        move(broken)
    assert list((other_disk / "out" / "b").iterdir()) == []
    assert (root / "in" / "a.jpg").read_bytes() == CONTENT


_CHILD = """
import os, signal, sys
from workers.processing.moving import Moving, Spot, move
root, to, sha512, size, mtime, may_copy, wanted = sys.argv[1:]
steps = 0
def at(step):
    global steps
    steps += 1
    if steps == int(wanted):
        os.kill(os.getpid(), signal.SIGKILL)
move(Moving(Spot(root.encode(), b"in/a.jpg"), Spot(to.encode(), b"out/b/a.jpg"), sha512, int(size), int(mtime),
            may_copy=may_copy == "1", at=at))
print(steps)
"""


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_killed_at_each_step_no_byte_is_lost_and_the_next_attempt_ends_it(
    root: Path, request: pytest.FixtureRequest, *, is_elsewhere: bool
) -> None:
    to: Path = request.getfixturevalue("other_disk") if is_elsewhere else root
    moving = _moving(root, to=to, may_copy=is_elsewhere)
    for step in range(1, 20):
        for place in (root / "in", to / "out"):
            shutil.rmtree(place, ignore_errors=True)
        (root / "in").mkdir()
        (root / "in" / "a.jpg").write_bytes(CONTENT)
        os.utime(root / "in" / "a.jpg", ns=(moving.mtime_ns, moving.mtime_ns))
        arguments = [str(root), str(to), SHA512, str(len(CONTENT)), str(moving.mtime_ns), str(int(is_elsewhere))]
        done = subprocess.run([sys.executable, "-c", _CHILD, *arguments, str(step)], capture_output=True, check=False)
        places = [place for place in (root / "in" / "a.jpg", to / "out" / "b" / "a.jpg") if place.exists()]
        assert places, step
        assert all(place.read_bytes() == CONTENT for place in places), step
        if done.returncode == 0:
            assert step > 4, "it has had so many steps"
            return
        assert done.returncode == -signal.SIGKILL, done.stderr
        move(moving)
        assert (to / "out" / "b" / "a.jpg").read_bytes() == CONTENT
        assert not (root / "in" / "a.jpg").exists()
        assert [each.name for each in (to / "out" / "b").iterdir()] == ["a.jpg"]
    pytest.fail("it never ended")
