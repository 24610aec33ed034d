from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from models.tree import open_beneath


def read(root: Path, relative: bytes) -> bytes:
    with os.fdopen(open_beneath(os.fsencode(root), relative), "rb") as stream:
        return stream.read()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_is_opened_at_any_depth_and_under_any_name(tmp_path: Path) -> None:
    name = b"a/b \n\xff/c\\"
    target = tmp_path / os.fsdecode(name)
    target.parent.mkdir(parents=True)
    target.write_bytes(b"hello")
    assert read(tmp_path, name) == b"hello"


def test_paths_longer_than_path_max_are_opened(tmp_path: Path) -> None:
    part = b"d" * 250
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir(part, dir_fd=folder)
        inner = os.open(part, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(os.open(b"deep", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)
    assert read(tmp_path, b"/".join([part] * 20 + [b"deep"])) == b""


@pytest.mark.parametrize("path", [b"", b".", b"..", b"../x", b"a/../x", b"/etc/passwd", b"a//x", b"a/", b"x\0y"])
def test_paths_that_could_leave_the_root_are_refused(tmp_path: Path, path: bytes) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(OSError, match="Not a path below the root"):
        open_beneath(os.fsencode(tmp_path), path)


def test_symlinks_are_followed_neither_as_file_nor_as_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x").write_bytes(b"x")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "file").symlink_to("real/x")
    for path in (b"folder/x", b"file"):
        with pytest.raises(OSError):  # noqa: PT011 - ELOOP or ENOTDIR, as the kernel likes
            open_beneath(os.fsencode(tmp_path), path)


def test_a_root_that_has_become_a_symlink_is_not_followed(tmp_path: Path) -> None:
    """Pools keep the real path of their folder: a link in its place leads where nobody has allowed."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x").write_bytes(b"x")
    (tmp_path / "root").symlink_to("real")
    with pytest.raises(OSError, match="Not a directory"):
        read(tmp_path / "root", b"x")


def test_only_regular_files_are_opened_and_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for path in (b"fifo", b"folder"):
        with pytest.raises(OSError, match="Not a regular file"):
            open_beneath(os.fsencode(tmp_path), path)


def test_no_descriptor_leaks_on_any_way_out(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    before = descriptors()
    for path in (b"a/b/missing", b"a/missing/x", b"a/b", b"missing"):
        with suppress(OSError):
            open_beneath(os.fsencode(tmp_path), path)
    assert descriptors() == before


def test_a_root_that_became_a_link_or_lies_below_one_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret/root").mkdir(parents=True)
    (tmp_path / "secret/root/file").write_bytes(b"secret")
    (tmp_path / "root").symlink_to(tmp_path / "secret/root")
    (tmp_path / "way").symlink_to(tmp_path / "secret")
    before = descriptors()
    for root in ("root", "way/root"):
        with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
            open_beneath(os.fsencode(tmp_path / root), b"file")
    assert read(tmp_path / "secret/root", b"file") == b"secret"
    assert descriptors() == before
