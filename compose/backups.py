"""`loom backup` and `loom restore`: what Loom keeps, as of one moment, in a folder.

```
<folder>/manifest.json   of which version, how much, and the SHA-256 of the other two
<folder>/database.dump   of pg_dump, in its own format
<folder>/contents.txt    key and size of each content, and of what is staged for a task that has not ended
<folder>/blobs/          these bytes, as a blob store of their own
```

The dump and the list are of the same snapshot, and nothing is removed from the store before its bytes are copied. Not
in it: the files of pools, which are their owners', what can be built anew (indexes, messages), and secrets of the home.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from sqlalchemy import URL, Connection, Engine, make_url, text
from sqlalchemy.exc import OperationalError

from compose.binaries import POSTGRES, find_program
from compose.engines import EmbeddedPostgres, running_engines
from compose.up import only_one
from models.db import REVISION
from models.errors import Conflict, InvalidInput, NotFound, Unavailable
from models.messages import KINDS
from models.migrating import migrate
from models.payloads import StagedPayload
from models.services.event_log import forget_reader, move_log
from models.services.removal import nothing_removed
from models.settings import Settings
from models.storage import BlobStore, open_store
from models.storage.port import hash_of
from models.wiring import build
from workers.indexing.vector_feed import READER as VECTORS
from workers.nodes import DESCRIPTORS

_MANIFEST, _DUMP, _CONTENTS, _BLOBS = "manifest.json", "database.dump", "contents.txt", "blobs"
_COPY_BYTES = 1024**2
_SHOWN = 5
_LIST = """
    SELECT concat_ws('/', substr(hash, 1, 2), substr(hash, 3, 2), hash) || ' ' || size
    FROM (SELECT encode(sha512, 'hex') AS hash, size FROM blob) AS contents
    UNION ALL
    SELECT (piece ->> 0) || ' ' || (piece ->> 1) FROM task, jsonb_array_elements(payload -> 'pieces') AS piece
    WHERE kind = ANY(:kinds) AND finished IS NULL AND jsonb_typeof(payload -> 'pieces') = 'array'
"""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Manifest:
    """What a backup holds."""

    created: str
    revision: str
    contents: int
    content_bytes: int
    hashes: dict[str, str]
    """SHA-256 of the dump and of the list, by name."""


def make_backup(settings: Settings, folder: Path, tell: Tell) -> Manifest:
    """Write a backup into a folder that is not there yet; Loom may go on meanwhile.

    Raises:
        Conflict: when the folder is there; when stored bytes are missing or damaged, and then all others are in it.
        Unavailable: when an engine cannot be used.
    """
    if folder.exists():
        raise Conflict(f"{folder} is there already")
    draft = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    with _engines(settings):
        platform = build(settings, connections=2)
        try:
            with nothing_removed(platform.engine):
                _dump(settings, platform.engine, draft)
                tell("the database is dumped")
                bad = list(_copy(draft, platform.blobs, open_store((draft / _BLOBS).as_uri(), min_free_bytes=0)))
        finally:
            platform.close()
    sizes = [size for _, size in _contents(draft)]
    hashes = {name: _sha256(draft / name) for name in (_DUMP, _CONTENTS)}
    manifest = Manifest(datetime.now(UTC).isoformat(), REVISION, len(sizes), sum(sizes), hashes)
    (draft / _MANIFEST).write_bytes(orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2))
    _sync(draft / _DUMP, draft / _CONTENTS, draft / _MANIFEST, draft)
    draft.rename(folder)
    _sync(folder.parent)
    if bad:
        raise Conflict(f"{len(bad)} stored files are missing or damaged, all others are in the backup: {_some(bad)}")
    return manifest


def restore_backup(settings: Settings, folder: Path, tell: Tell) -> Manifest:
    """Put a backup back, into a database that has no tables; Loom must not run on it.

    An interruption leaves the database empty or whole. Afterwards it is brought up to date. Uploads that were under way
    begin anew, and vectors are compared anew: what they refer to may be gone.

    Raises:
        InvalidInput: when the folder holds no backup, or one that is damaged.
        Conflict: when Loom runs, or the database has tables already; when bytes are missing or damaged, and then all
            others are back.
        Unavailable: when an engine cannot be used.
    """
    manifest = _read_manifest(folder)
    with _engines(settings, may_run=False):
        platform = build(settings, connections=2)
        try:
            with platform.engine.connect() as connection:
                if connection.execute(text("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).first():
                    raise Conflict("The database has tables: a backup is put back into an empty one")
            # First the bytes: without their rows they are only unused.
            bad = list(_copy(folder, open_store((folder / _BLOBS).as_uri(), min_free_bytes=0), platform.blobs))
            tell(f"{manifest.contents - len(bad)} stored files are back")
            _run(settings, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges",
                 str(folder / _DUMP))  # fmt: skip
            with platform.unit_of_work() as uow:
                move_log(uow)
                forget_reader(uow, VECTORS)
                uow.execute("DELETE FROM upload")
                uow.commit()
        finally:
            platform.close()
        shutil.rmtree(settings.loom_home.index, ignore_errors=True)  # it is of another time; it is built anew
        migrate(settings, DESCRIPTORS.values())
    if bad:
        raise Conflict(f"{len(bad)} files of the backup are missing or damaged, all others are back: {_some(bad)}")
    return manifest


@contextmanager
def _engines(settings: Settings, *, may_run: bool = True) -> Iterator[None]:
    """See to it that the database runs: the embedded one may be asleep, and is nobody else's then."""
    home, is_asleep = settings.loom_home, False
    if settings.database_url is None:
        is_asleep = not EmbeddedPostgres(home).is_ready()
        if not is_asleep and not may_run:
            raise Conflict(f"Loom runs on {home.path}: end it first")
    try:
        with ExitStack() as stack:
            if is_asleep:
                stack.enter_context(only_one(home))
                stack.enter_context(running_engines(home))
            yield
    except OperationalError as error:
        raise Unavailable(f"The database cannot be used: {' '.join(str(error.orig).split())}") from error


def _dump(settings: Settings, engine: Engine, folder: Path) -> None:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        _list(connection, folder / _CONTENTS)
        _run(settings, "pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={folder / _DUMP}")


def _list(connection: Connection, target: Path) -> None:
    staged = [kind.name for kind in KINDS.values() if issubclass(kind.payload, StagedPayload)]
    rows = connection.execution_options(yield_per=10_000).execute(text(_LIST), {"kinds": staged})
    with target.open("w") as stream:
        stream.writelines(f"{line}\n" for (line,) in rows)


def _run(settings: Settings, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on the database."""
    address, secret = address_of(settings)
    environment = {"PATH": os.defpath, "LC_ALL": "C", "PGAPPNAME": "loom backup", **secret}
    command = [str(find_program(POSTGRES, None).with_name(program)), f"--dbname={address}", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    if done.returncode:
        raise Unavailable(f"{program} failed: {done.stderr.strip()}")


def address_of(settings: Settings) -> tuple[str, dict[str, str]]:
    """Give the address of the database, and its password as a variable: what a command is given, all can see."""
    url = make_url(settings.sqlalchemy_url)
    secret = {"PGPASSWORD": str(url.password)} if url.password is not None else {}
    address = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return address.render_as_string(hide_password=False), secret


def _contents(folder: Path) -> Iterator[tuple[str, int]]:
    """Read the keys and sizes of a backup's list."""
    with (folder / _CONTENTS).open() as stream:
        for line in stream:
            key, _, size = line.rstrip("\n").partition(" ")
            yield key, int(size)


def _copy(folder: Path, source: BlobStore, target: BlobStore) -> Iterator[str]:
    """Copy what a backup lists; yields the keys whose bytes are not there or not what they should be.

    What is there already, in its full size, stays: a restoration that was interrupted goes on.
    """
    for key, size in _contents(folder):
        if target.size(key) != size and not _copy_one(key, size, source, target):
            yield key


def _copy_one(key: str, size: int, source: BlobStore, target: BlobStore) -> bool:
    try:
        reader = source.read(key)
    except NotFound:
        return False
    digest, read = hashlib.sha512(), 0
    writer = target.write(key, size=size)
    try:
        while chunk := reader.read(_COPY_BYTES):
            digest.update(chunk)
            read += len(chunk)
            writer.write(chunk)
        expected = hash_of(key)
        is_whole = read == size and expected in {None, digest.hexdigest()}
        if is_whole:
            writer.commit()
        return is_whole
    finally:
        writer.abort()
        reader.close()


def _read_manifest(folder: Path) -> Manifest:
    try:
        manifest = Manifest(**orjson.loads((folder / _MANIFEST).read_bytes()))
        for name, expected in manifest.hashes.items():
            if _sha256(folder / name) != expected:
                raise InvalidInput(f"{folder / name} is damaged: it is not what was written")
    except FileNotFoundError as error:
        raise InvalidInput(f"{folder} holds no backup: there is no {Path(error.filename).name}") from None
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"{folder / _MANIFEST} cannot be read: {error}") from None
    if manifest.revision > REVISION:
        raise InvalidInput(f"The backup is of a newer Loom: its tables are of version {manifest.revision}")
    return manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(*paths: Path) -> None:
    """Make what was written there last past a power cut; the blob store has done so itself."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:_SHOWN]) + (", …" if len(keys) > _SHOWN else "")
