"""Backups: all that is kept comes back, and what is damaged is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest

from compose.backups import Manifest, address_of, make_backup, restore_backup
from models.errors import Conflict, InvalidInput, Unavailable
from models.home import Home
from models.services.blobs import remove_if_unused
from models.services.removal import drop_pieces, nothing_removed
from models.settings import Settings
from models.storage import Piece, blob_key
from models.wiring import Platform, build
from tests.support.client import ApiClient
from tests.support.settings import make_settings
from workers.inline import run_all

_RAW = {"Content-Type": "application/octet-stream"}
_CONTENTS = (b"first", b"second", b"third" * 1_000_000)


@pytest.fixture
def empty(engines: Home, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a Loom that has nothing yet: a home and a database of its own."""
    name = f"restored_{uuid4().hex}"
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        url = engines.database_url.replace("/loom?", f"/{name}?")
        yield make_settings(tmp_path / "restored", engines, database_url=url)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def filled(client: ApiClient, platform: Platform) -> Platform:
    """A Loom with some files and tags, and one upload that no worker has come to."""
    for number, data in enumerate(_CONTENTS):
        client.request("POST", f"/assets/upload?filename={number}.bin", data, headers=_RAW, expect=202)
    client.post("/tags", {"name": "kept", "collection": "a"}, expect=201)
    run_all(platform)
    client.request("POST", "/assets/upload?filename=awaited.bin", b"awaited", headers=_RAW, expect=202)
    under_way = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Content-Type": "application/offset+octet-stream"}
    client.request("POST", "/uploads", b"begun", headers=under_way, expect=201)
    return platform


def _quiet(_line: str) -> None:
    pass


def _rows(platform: Platform) -> dict[str, list[Any]]:
    with platform.unit_of_work() as uow:
        names = [row[0] for row in uow.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        names.remove("node_kind")  # it says when it was seen last
        return {name: sorted(row[0] for row in uow.fetch(f'SELECT t::text FROM "{name}" t')) for name in names}


def _read(platform: Platform, key: str) -> bytes:
    reader = platform.blobs.read(key)
    try:
        data = b""
        while chunk := reader.read(1 << 20):
            data += chunk
        return data
    finally:
        reader.close()


def _change_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **changes}))


def test_all_that_is_kept_comes_back(filled: Platform, empty: Settings, tmp_path: Path) -> None:
    manifest = make_backup(filled.settings, tmp_path / "backup", _quiet)
    assert manifest.contents == len(_CONTENTS) + 1
    assert restore_backup(empty, tmp_path / "backup", _quiet) == manifest
    platform = build(empty)
    try:
        assert _rows(platform) == {**_rows(filled), "upload": []}, "an upload under way begins anew"
        with platform.unit_of_work() as uow:
            hashes = [row[0] for row in uow.fetch("SELECT encode(sha512, 'hex') FROM blob")]
        assert sorted(_read(platform, blob_key(sha512)) for sha512 in hashes) == sorted(_CONTENTS)
        run_all(platform)
        with platform.unit_of_work() as uow:
            assert uow.fetch("SELECT count(*) FROM task WHERE state <> 'SUCCEEDED'") == [(0,)]
            assert uow.fetch("SELECT count(*) FROM asset") == [(len(_CONTENTS) + 1,)]
    finally:
        platform.close()


def test_nothing_is_removed_while_a_backup_is_made(filled: Platform) -> None:
    with filled.unit_of_work() as uow:
        ((sha512,),) = uow.fetch("SELECT encode(sha512, 'hex') FROM blob ORDER BY size LIMIT 1")
        uow.execute("UPDATE asset SET blob_sha512 = NULL")
        ((staged,),) = uow.fetch("SELECT payload -> 'pieces' -> 0 FROM task WHERE finished IS NULL")
        uow.commit()
    with nothing_removed(filled.engine):
        with filled.unit_of_work() as uow, pytest.raises(Unavailable):
            remove_if_unused(uow, filled.blobs, sha512)
        with filled.unit_of_work() as uow:
            drop_pieces(uow, filled.blobs, [Piece(*staged)])
        assert filled.blobs.size(staged[0]) == staged[1]
    with filled.unit_of_work() as uow:
        assert remove_if_unused(uow, filled.blobs, sha512)
        drop_pieces(uow, filled.blobs, [Piece(*staged)])
        uow.commit()
    assert filled.blobs.size(staged[0]) is None


def test_what_is_damaged_is_told_and_all_else_is_kept(filled: Platform, empty: Settings, tmp_path: Path) -> None:
    with filled.unit_of_work() as uow:
        ((lost,), (changed,), *_) = uow.fetch("SELECT encode(sha512, 'hex') FROM blob ORDER BY size")
    filled.blobs.delete(blob_key(lost))
    (filled.settings.loom_home.blobs / blob_key(changed)).write_bytes(b"s3cond")
    acts: tuple[Callable[[], Manifest], ...] = (
        lambda: make_backup(filled.settings, tmp_path / "backup", _quiet),
        lambda: restore_backup(empty, tmp_path / "backup", _quiet),
    )
    for act in acts:
        with pytest.raises(Conflict) as caught:
            act()
        assert lost in str(caught.value)
        assert changed in str(caught.value)
    restored = build(empty)
    assert len(_rows(restored)["asset"]) == len(_CONTENTS)
    restored.close()


def test_only_a_whole_backup_is_put_back(filled: Platform, empty: Settings, tmp_path: Path) -> None:
    whole = tmp_path / "backup"
    (tmp_path / "backup.unfinished").mkdir()  # somebody was interrupted
    make_backup(filled.settings, whole, _quiet)
    with pytest.raises(Conflict, match="is there already"):
        make_backup(filled.settings, whole, _quiet)
    with pytest.raises(Conflict, match="has tables"):
        restore_backup(filled.settings, whole, _quiet)
    spoils: tuple[tuple[Callable[[Path], object], str], ...] = (
        (lambda folder: (folder / "manifest.json").unlink(), "holds no backup"),
        (lambda folder: (folder / "database.dump").write_bytes(b"x"), "is damaged"),
        (lambda folder: (folder / "contents.txt").unlink(), "there is no contents.txt"),
        (lambda folder: (folder / "manifest.json").write_bytes(b"{"), "cannot be read"),
        (lambda folder: _change_manifest(folder, revision="9999"), "newer Loom"),
        (lambda folder: _change_manifest(folder, unknown=1), "cannot be read"),
    )
    for spoil, message in spoils:
        spoilt = tmp_path / "spoilt"
        shutil.copytree(whole, spoilt)
        spoil(spoilt)
        with pytest.raises(InvalidInput, match=message):
            restore_backup(empty, spoilt, _quiet)
        shutil.rmtree(spoilt)
    # Nothing of that has left a trace.
    assert isinstance(restore_backup(empty, whole, _quiet), Manifest)


def test_no_password_is_given_where_all_can_see_it(filled: Platform) -> None:
    for url, address, secret in (
        (
            "postgresql://loom:p%40ss@db:5433/loom?sslmode=require",
            "postgresql://loom@db:5433/loom?sslmode=require",
            "p@ss",
        ),
        ("postgresql://loom@/loom?host=/run&port=5432", "postgresql://loom@/loom?host=%2Frun&port=5432", None),
    ):
        told = address_of(filled.settings.model_copy(update={"database_url": url}))
        assert told == (address, {"PGPASSWORD": secret} if secret else {})


def test_a_database_that_is_away_is_told(filled: Platform, tmp_path: Path) -> None:
    settings = filled.settings.model_copy(update={"database_url": "postgresql://nobody:secret@127.0.0.1:1/loom"})
    with pytest.raises(Unavailable) as caught:
        make_backup(settings, tmp_path / "backup", _quiet)
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "backup").exists()
