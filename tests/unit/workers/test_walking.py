"""The walk: order, resumption, and every kind of entry that a tree can hold."""

import hashlib
import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.tree import Tree
from tests.support.users import as_ordinary_user
from workers.processing.hashing import Changing, Hasher, NotRegular
from workers.processing.walking import FoundFile, UnreadableDirectory, read_stamp, walk


def _make(root: Path, *paths: bytes) -> None:
    for path in paths:
        place = os.path.join(os.fsencode(root), path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as stream:
            stream.write(path)


def _entries(root: Path, after: bytes = b"") -> list[FoundFile | UnreadableDirectory]:
    """Walk, and look at each file singly."""
    entries: list[FoundFile | UnreadableDirectory] = []
    for entry in walk(os.fsencode(root), after):
        entries += [read_stamp(stamp) for stamp in entry] if isinstance(entry, list) else [entry]
    return entries


def _paths(root: Path, after: bytes = b"") -> list[bytes]:
    return [entry.path for entry in _entries(root, after)]


def test_files_come_in_bytewise_order_of_their_whole_path(tmp_path: Path) -> None:
    names = [b"a/b", b"a.txt", b"a b", b"a/c/d", b"a0", b"\xff\xfe", b"new\nline", b"\xc3\xbc/x", b".hidden", b"a/b0"]
    _make(tmp_path, *names)
    assert _paths(tmp_path) == sorted(names)


def test_an_empty_tree_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert _paths(tmp_path) == []


def test_the_root_itself_must_be_readable(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _paths(tmp_path / "absent")


def _is_name(name: bytes) -> bool:
    return not set(name) & set(b"\0/") and name not in (b".", b"..")


_NAMES = st.lists(
    st.lists(st.binary(min_size=1, max_size=3).filter(_is_name), min_size=1, max_size=3), min_size=1, max_size=12
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_NAMES, st.data())
def test_the_walk_goes_on_behind_any_path(
    tmp_path_factory: pytest.TempPathFactory, names: list[list[bytes]], data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for parts in names:
        try:
            _make(root, b"/".join(parts))
        except (NotADirectoryError, FileExistsError, IsADirectoryError):
            continue  # a name cannot be a file and a folder
    paths = _paths(root)
    assert paths == sorted(paths)
    after = data.draw(st.sampled_from([*paths, b"", b"a", b"a/"]))
    assert _paths(root, after) == [path for path in paths if path > after]


def test_links_pipes_and_sockets_are_no_files(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    _make(outside, b"secret")
    root = tmp_path / "root"
    _make(root, b"file")
    (root / "link").symlink_to(outside / "secret")
    (root / "folder-link").symlink_to(outside)
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
        assert _paths(root) == [b"file"]


def test_a_path_longer_than_the_kernel_takes_is_walked_and_hashed(tmp_path: Path) -> None:
    name, depth = b"d" * 250, 20
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    with os.fdopen(os.open("deep.txt", os.O_CREAT | os.O_WRONLY, dir_fd=folder), "wb") as stream:
        stream.write(b"deep")
    os.close(folder)
    path = b"/".join([name] * depth + [b"deep.txt"])
    assert _paths(tmp_path) == [path]
    with Tree(os.fsencode(tmp_path)) as tree:
        assert Hasher(tree, lambda _: None).hash(path).head == b"deep"
        assert tree.stat(path) is not None


def _walk_as_ordinary_user(root: Path, folder: Path, mode: int) -> list[FoundFile | UnreadableDirectory]:
    """Walk where a folder has this mode, and those that lead to the root are open to all."""
    above = [root, root.parent, root.parent.parent]
    modes = [(place, place.stat().st_mode) for place in above if place.is_relative_to("/tmp")]
    for place, before in modes:
        place.chmod(before | 0o755)
    folder.chmod(mode)
    try:
        with as_ordinary_user():
            return _entries(root)
    finally:
        folder.chmod(0o755)
        for place, before in modes:
            place.chmod(before)


def test_a_directory_that_cannot_be_read_is_reported_and_the_walk_goes_on(tmp_path: Path) -> None:
    _make(tmp_path, b"a", b"locked/x", b"z")
    entries = _walk_as_ordinary_user(tmp_path, tmp_path / "locked", 0)
    assert [entry.path for entry in entries] == [b"a", b"locked/", b"z"]
    assert isinstance(entries[1], UnreadableDirectory)
    assert "ermission" in entries[1].reason


def test_a_directory_that_gives_only_names_counts_as_unreadable(tmp_path: Path) -> None:
    _make(tmp_path, b"names/file", b"z")
    entries = _walk_as_ordinary_user(tmp_path, tmp_path / "names", 0o744)
    assert [entry.path for entry in entries] == [b"names/", b"z"]
    assert isinstance(entries[0], UnreadableDirectory)


def test_a_hash_is_that_of_the_bytes_and_names_the_file_version(tmp_path: Path) -> None:
    content = os.urandom(3 * 1024 * 1024 + 17)
    (tmp_path / "file").write_bytes(content)
    seen: list[int] = []
    with Tree(os.fsencode(tmp_path)) as tree:
        hashed = Hasher(tree, seen.append).hash(b"file")
    assert hashed.sha512 == hashlib.sha512(content).hexdigest()
    assert hashed.head == content[:4096]
    assert isinstance(hashed.found, FoundFile)
    assert hashed.found == _entries(tmp_path)[0]
    assert seen == [1 << 20, 2 << 20, 3 << 20]


def test_a_file_that_grows_while_it_is_read_is_refused_after_the_second_try(tmp_path: Path) -> None:
    place = tmp_path / "growing"
    place.write_bytes(b"x" * (2 << 20))

    def grow(_: int) -> None:
        with place.open("ab") as stream:
            stream.write(b"more")

    with Tree(os.fsencode(tmp_path)) as tree, pytest.raises(Changing):
        Hasher(tree, grow).hash(b"growing")


def test_a_pipe_in_the_place_of_a_file_does_not_hold_the_worker(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with Tree(os.fsencode(tmp_path)) as tree, pytest.raises(NotRegular):
        Hasher(tree, lambda _: None).hash(b"pipe")


def test_a_link_in_the_place_of_a_file_or_folder_is_not_followed(tmp_path: Path) -> None:
    _make(tmp_path, b"outside/secret", b"root/file")
    (tmp_path / "root/link").symlink_to(tmp_path / "outside/secret")
    (tmp_path / "root/folder").symlink_to(tmp_path / "outside")
    with Tree(os.fsencode(tmp_path / "root")) as tree:
        hasher = Hasher(tree, lambda _: None)
        for path in (b"link", b"folder/secret"):
            with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
                hasher.hash(path)
