"""What every blob store promises, tried on a real folder and on obstore's own local and in-memory stores."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest

from models.errors import NotFound, StorageFull, Unavailable
from models.ids import new_id
from models.storage import BlobStore, Piece, blob_key, delete_pieces, keep_pieces, open_store, staging_key
from models.storage import folder as folder_module
from models.storage.folder import FolderBlobStore
from models.storage.object_store import ObjectBlobStore
from tests.support.s3_server import BUCKET, S3, s3_server

KEY = blob_key("ab" * 64)


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as (server, port), pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment(port).items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(params=["folder", "obstore-local", "obstore-memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "s3":
        request.getfixturevalue("s3").empty()
        return ObjectBlobStore(f"s3://{BUCKET}/blobs")
    stores: dict[str, BlobStore] = {
        "folder": FolderBlobStore(tmp_path / "blobs", min_free_bytes=0),
        "obstore-local": ObjectBlobStore(tmp_path.as_uri()),
        "obstore-memory": ObjectBlobStore("memory:///"),
    }
    return stores[request.param]


@pytest.fixture
def folder(tmp_path: Path) -> FolderBlobStore:
    return FolderBlobStore(tmp_path / "blobs", min_free_bytes=0)


def put(store: BlobStore, key: str, *chunks: bytes) -> None:
    writer = store.write(key)
    for chunk in chunks:
        writer.write(chunk)
    writer.commit()


def read_all(store: BlobStore, key: str, size: int = 700_000) -> bytes:
    reader = store.read(key)
    try:
        return b"".join(iter(lambda: reader.read(size), b""))
    finally:
        reader.close()


def staged(store: BlobStore, age_seconds: float = -60) -> set[str]:
    return set(store.iter_staged(datetime.now(UTC) - timedelta(seconds=age_seconds)))


@pytest.mark.parametrize("size", [0, 1, 1024**2, 20 * 1024**2 + 7])
def test_bytes_come_back_as_they_were_written(store: BlobStore, size: int) -> None:
    data = os.urandom(size)
    put(store, KEY, *(data[at : at + 3_000_000] for at in range(0, size, 3_000_000)))
    assert store.size(KEY) == size
    assert hashlib.sha512(read_all(store, KEY)).digest() == hashlib.sha512(data).digest()


def test_reading_goes_on_from_where_it_was_moved_to(store: BlobStore) -> None:
    put(store, KEY, bytes(range(200)))
    reader = store.read(KEY)
    assert reader.read(2) == b"\x00\x01"
    reader.seek(150)
    assert reader.read(3) == b"\x96\x97\x98"
    reader.seek(3)
    assert reader.read(1) == b"\x03"
    reader.seek(200)
    assert reader.read(1) == b""
    reader.seek(5000)
    assert reader.read(1) == b""
    reader.close()


def test_a_key_that_was_never_written_is_not_there(store: BlobStore) -> None:
    assert store.size(KEY) is None
    with pytest.raises(NotFound):
        store.read(KEY)
    with pytest.raises(NotFound):
        store.copy(KEY, "aa/bb/x")


def test_nothing_is_there_before_the_commit(store: BlobStore) -> None:
    writer = store.write(KEY)
    writer.write(b"x" * 9_000_000)
    assert store.size(KEY) is None
    writer.commit()
    assert store.size(KEY) == 9_000_000


@pytest.mark.parametrize("size", [0, 5, 30_000_000])
def test_an_aborted_writer_leaves_nothing(store: BlobStore, size: int) -> None:
    key = staging_key(new_id())
    writer = store.write(key)
    writer.write(b"x" * size)
    writer.abort()
    writer.abort()
    assert store.size(key) is None
    assert staged(store) == set()


def test_abort_after_commit_is_harmless(store: BlobStore) -> None:
    writer = store.write(KEY)
    writer.write(b"kept")
    writer.commit()
    writer.abort()
    assert read_all(store, KEY) == b"kept"


def test_a_copy_outlives_its_source_and_may_be_repeated(store: BlobStore) -> None:
    source = staging_key(new_id())
    put(store, source, b"content")
    store.copy(source, KEY)
    store.copy(source, KEY)
    assert staged(store) == {source}
    store.delete(source)
    assert read_all(store, KEY) == b"content"
    assert staged(store) == set()


def test_a_copy_replaces_what_was_there(store: BlobStore) -> None:
    put(store, KEY, b"broken")
    put(store, staging_key(new_id()), b"other")
    source = staging_key(new_id())
    put(store, source, b"whole!")
    store.copy(source, KEY)
    assert read_all(store, KEY) == b"whole!"


def test_writing_again_replaces(store: BlobStore) -> None:
    put(store, KEY, b"first")
    put(store, KEY, b"second")
    assert read_all(store, KEY) == b"second"


def test_deleting_is_idempotent(store: BlobStore) -> None:
    put(store, KEY, b"x")
    store.delete(KEY)
    store.delete(KEY)
    assert store.size(KEY) is None


def test_staged_keys_are_found_by_age_and_content_is_not_among_them(store: BlobStore) -> None:
    keys = {staging_key(new_id()) for _ in range(5)}
    assert staged(store) == set()
    for key in keys:
        put(store, key, b"x")
    put(store, KEY, b"x")
    assert staged(store) == keys
    assert staged(store, age_seconds=3600) == set()


def test_the_check_leaves_nothing_behind(store: BlobStore) -> None:
    store.check()
    assert staged(store) == set()


def test_threads_do_not_disturb_each_other(store: BlobStore) -> None:
    def work(number: int) -> None:
        key = staging_key(new_id())
        put(store, key, bytes([number]) * 100_000)
        store.copy(key, blob_key(f"{number:02x}" * 64))
        store.copy(key, KEY)
        store.delete(key)

    threads = [Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(read_all(store, blob_key(f"{n:02x}" * 64)) == bytes([n]) * 100_000 for n in range(16))
    assert store.size(KEY) == 100_000
    assert staged(store) == set()


def test_the_url_chooses_the_adapter(tmp_path: Path) -> None:
    assert isinstance(open_store((tmp_path / "a b").as_uri(), min_free_bytes=0), FolderBlobStore)
    for url in ("s3://bucket/prefix", "gs://bucket", "az://container"):
        assert isinstance(open_store(url, min_free_bytes=0), ObjectBlobStore)


def test_a_folder_with_odd_characters_is_used_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20ü#?"
    put(open_store(folder.as_uri(), min_free_bytes=0), KEY, b"x")
    assert (folder / KEY).read_bytes() == b"x"


def test_an_upload_that_does_not_fit_is_refused_before_its_first_byte(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path, min_free_bytes=0)
    free = store.free_bytes()
    assert free is not None
    with pytest.raises(StorageFull):
        FolderBlobStore(tmp_path, min_free_bytes=10**18).write(KEY)
    with pytest.raises(StorageFull):
        store.write(KEY, size=10**18)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_during_an_upload_stops_it(
    folder: FolderBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "_CHECK_BYTES", 1000)
    writer = folder.write(KEY)
    monkeypatch.setattr(folder, "_min_free_bytes", 10**18)
    writer.write(b"x" * 1000)
    with pytest.raises(StorageFull):
        writer.write(b"x" * 1000)
    writer.abort()
    assert staged(folder) == set()


@pytest.fixture
def full_disk() -> Path:
    """The one place that is always full."""
    path = Path("/dev/full")
    if not path.exists():
        pytest.skip("this system has no /dev/full")
    return path


def test_no_space_left_is_told_as_such(folder: FolderBlobStore, full_disk: Path) -> None:
    writer = folder.write(KEY)
    descriptor = os.open(full_disk, os.O_WRONLY)
    os.dup2(descriptor, writer._file)  # type: ignore[attr-defined]
    os.close(descriptor)
    with pytest.raises(StorageFull):
        writer.write(b"x")
    writer.abort()


def test_a_copy_in_a_folder_shares_the_bytes(folder: FolderBlobStore, tmp_path: Path) -> None:
    put(folder, "staging/x", b"content")
    folder.copy("staging/x", KEY)
    assert (tmp_path / "blobs/staging/x").stat().st_ino == (tmp_path / "blobs" / KEY).stat().st_ino


def test_where_there_are_no_hard_links_the_bytes_are_copied(
    folder: FolderBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    put(folder, "staging/x", b"content" * 500_000)
    folder.copy("staging/x", KEY)
    folder.delete("staging/x")
    assert read_all(folder, KEY) == b"content" * 500_000
    assert staged(folder) == set()


def test_commit_syncs_the_file_before_it_has_its_name_and_every_new_folder(
    folder: FolderBlobStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    synced: list[tuple[str, bool]] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink()).removeprefix(str(tmp_path))
        synced.append((path, (tmp_path / "blobs" / KEY).exists()))
        fsync(descriptor)

    writer = folder.write(KEY)
    writer.write(b"x")
    monkeypatch.setattr(os, "fsync", note)
    writer.commit()
    assert synced[0][0].startswith("/blobs/staging/draft-")
    assert synced[1:] == [("/blobs", False), ("/blobs/ab", False), ("/blobs/ab/ab", True)]


def test_a_draft_that_a_dead_process_left_is_found_by_its_age(folder: FolderBlobStore) -> None:
    writer = folder.write(KEY)
    writer.write(b"x")
    (draft,) = staged(folder)
    folder.delete(draft)
    assert staged(folder) == set()
    writer.abort()


def test_an_unusable_folder_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = FolderBlobStore(tmp_path / "file" / "blobs", min_free_bytes=0)
    for use in (store.check, lambda: store.write(KEY), lambda: store.read(KEY)):
        with pytest.raises(Unavailable):
            use()
    store.delete(f"staging/{uuid4()}")


def test_an_unreachable_bucket_is_unavailable_and_its_address_stays_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"endpoint": "http://127.0.0.1:1", "allow_http": "true", "skip_signature": "true", "region": "x"}
    for name, value in config.items():
        monkeypatch.setenv(f"AWS_{name.upper()}", value)
    store = ObjectBlobStore("s3://bucket")
    from obstore.store import from_url  # noqa: PLC0415 - only to shorten the retries

    store.__dict__["_store"] = from_url("s3://bucket", retry_config={"max_retries": 0})
    for use in (store.check, lambda: store.read(KEY), lambda: store.size(KEY)):
        with pytest.raises(Unavailable) as caught:
            use()
        assert "127.0.0.1" not in caught.value.message


def test_pieces_become_one(store: BlobStore) -> None:
    pieces = [Piece(staging_key(new_id()), size) for size in (3, 0, 2_000_000)]
    for number, piece in enumerate(pieces):
        put(store, piece.key, bytes([number]) * piece.size, b"never acknowledged")
    keep_pieces(store, pieces, KEY)
    assert read_all(store, KEY) == b"\0" * 3 + b"\2" * 2_000_000
    keep_pieces(store, [], KEY)
    assert store.size(KEY) == 0
    with pytest.raises(NotFound):
        keep_pieces(store, [pieces[0], Piece(pieces[2].key, 3_000_000)], blob_key("cd" * 64))
    assert store.size(blob_key("cd" * 64)) is None
    delete_pieces(store, [*pieces, Piece(staging_key(new_id()), 1)])
    assert staged(store) == set()


def test_a_bucket_in_trouble_costs_time_only(s3: S3) -> None:
    s3.empty()
    store = ObjectBlobStore(f"s3://{BUCKET}/blobs")
    data = os.urandom(20_000_000)
    s3.faults.extend([503, 0, 500, 503, 0, 500])
    put(store, KEY, *(data[at : at + 3_000_000] for at in range(0, len(data), 3_000_000)))
    s3.faults.extend([503, 0, -5_000_000, 500, -3_000_000])
    assert read_all(store, KEY) == data
    s3.faults.extend([500, 503])
    store.copy(KEY, blob_key("cd" * 64))
    s3.faults.extend([503, 500])
    store.delete(KEY)
    assert store.size(KEY) is None
    assert read_all(store, blob_key("cd" * 64)) == data
    s3.faults.extend([503] * 200)
    with pytest.raises(Unavailable):
        store.size(KEY)
    s3.faults.clear()
