"""What the demo shows, step by step, and whether its numbers add up."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from compose.client.api import Api
from compose.client.displays import report_failed_items, watch
from compose.client.exits import ExitCode
from compose.client.output import Json, Output
from compose.client.pools import create_pool, start_scan
from compose.client.search import iter_hits, show_hits
from compose.client.sending import Transfer, send_file
from compose.client.session import Session
from compose.client.text import count_text, duration_text, size_text
from compose.client.upload import asset_uuid_of, finish, sent
from compose.demo_files import Survey, ensure_demo_files, survey
from models.paths import encode_path
from models.settings import Settings

_SEARCH_SECONDS = 15.0
_POLL_SECONDS = 0.2
_SHOWN_HITS = 5
_MADE_FOLDER_TERM = "lisbon"
# What a scan found a file to be; every file is exactly one of these.
_OUTCOMES = ("new", "changed", "moved", "returned", "unchanged", "touched")


class Tour:
    """The demo after Loom is there: prepare, scan, summarise, search, upload, advise."""

    def __init__(self, settings: Settings, path: Path | None, output: Output) -> None:
        self._output = output
        self._is_made = path is None
        self._folder = (path or settings.home / "demo" / "media").absolute()
        self._found: Survey | None = None
        self._term = _MADE_FOLDER_TERM if path is None else _word_of(self._folder)
        """What to search for; empty if the folder has no file."""
        self._problems: list[str] = []

    def prepare(self) -> None:
        """Make the files, which Loom's own start leaves time for."""
        if not self._is_made:
            return
        if not self._folder.exists():
            self._output.line("Making a few hundred files to ingest ...")
        ensure_demo_files(self._folder)
        self._found = survey(self._folder)

    def run(self, session: Session) -> ExitCode:
        """Walk through it all and give the exit code."""
        pool = _pool_of(session.api, self._folder)
        before = session.api.total_count("/assets")
        self._output.line("Scanning", self._folder, "...")
        task = watch(session, start_scan(session.api, pool)["uuid"])
        after = session.api.total_count("/assets")
        self._summarise(session, task, after)
        self._problems += scan_problems(task, self._found)
        if self._found and not before and not self._problems:
            self._problems += first_scan_problems(task, self._found, after)
        hits = self._search(session)
        self._upload_twice(session)
        self._tell_problems()
        if session.output.as_json:
            session.output.document({**self._as_json(session, pool, task), "hits": hits})
        else:
            self._advise(session, pool)
        return ExitCode.FAILED if self._problems else ExitCode.DONE

    def _summarise(self, session: Session, task: Json, asset_count: int) -> None:
        self._output.pairs("What Loom has found", summary(task, asset_count))
        if task.get("progress", {}).get("failed"):
            self._output.line("Failures:")
            report_failed_items(session, task["uuid"])

    def _search(self, session: Session) -> int:
        """Find a word of the folder's file names, as soon as the index has it."""
        term = self._term
        if not term:
            self._output.line("There is no file to search for.")
            return 0
        hits = _first_hits(session.api, term)
        self._output.line(f"Searching for {term!r}:" if hits else f"Searching for {term!r} finds nothing.")
        if not session.output.as_json:
            show_hits(session, iter(hits))
        if not hits:
            self._problems.append(f"the search for {term!r} has no hits")
        return len(hits)

    def _upload_twice(self, session: Session) -> None:
        """Send a file that the scan has met: it must become the same asset, each time."""
        file = _sample_file(self._folder)
        if file is None:
            return
        before = session.api.total_count("/assets")
        transfer = Transfer(session.api)
        uuids = [asset_uuid_of(finish(session, sent(file, send_file(transfer, file)))) for _ in range(2)]
        after = session.api.total_count("/assets")
        self._output.line("Uploaded", file.name, "twice: both are asset", uuids[0])
        if uuids[0] is None or uuids[0] != uuids[1] or before != after:
            self._problems.append(f"two uploads of one file gave {uuids} and {after - before} new assets")

    def _tell_problems(self) -> None:
        for problem in self._problems:
            self._output.line("FAIL", problem)

    def _as_json(self, session: Session, pool: Json, task: Json) -> Json:
        return {
            "server": session.api.server,
            "folder": encode_path(os.fsencode(self._folder)),
            "pool": pool,
            "task": task,
            "problems": self._problems,
        }

    def _advise(self, session: Session, pool: Json) -> None:
        loom = _loom_command()
        self._output.line(f"How to go on, while Loom runs ({loom} up starts it):")
        for command, purpose in (
            (f"search {shlex.quote(self._term or 'WORDS')}", "find assets"),
            ("assets list", "see the catalogue"),
            (f"pools scan {shlex.quote(pool['name'])}", "scan again: only what changed is read"),
            ("pools add NAME FOLDER --schedule 15m", "keep a folder of yours in the catalogue"),
            ("tasks list", "see what Loom has done"),
            ("doctor", "check the set-up"),
        ):
            self._output.line(f"  {loom} {command:<40} {purpose}")
        self._output.line(f"  {session.api.server}/api/v1/openapi.json describes the API")


def _loom_command() -> str:
    """Spell how this user can call the command line, for copying."""
    if shutil.which("loom"):
        return "loom"
    beside = Path(sys.executable).with_name("loom")
    try:
        return shlex.quote(str(beside.relative_to(Path.cwd())))
    except ValueError:
        return shlex.quote(str(beside))


def _pool_of(api: Api, folder: Path) -> Json:
    """Give the pool of the folder, made if there is none."""
    spelled = encode_path(os.path.realpath(os.fsencode(folder)))
    pools = list(api.elements("/asset-pools"))
    for pool in pools:
        if pool.get("fsPath") == spelled:
            return pool
    taken = {pool["name"] for pool in pools}
    names = (name if count == 1 else f"{name} {count}" for count in range(1, len(pools) + 2) for name in ["demo"])
    return create_pool(api, next(name for name in names if name not in taken), folder)


def summary(task: Json, asset_count: int) -> Iterator[tuple[str, str]]:
    """Give the numbers of a scan as a person wants to read them."""
    result = task.get("result") or {}
    seconds = max(task.get("runMs", 0), 1) / 1000
    files, read = _file_count(result), result.get("bytesHashed", 0)
    yield "state", task["state"]
    yield "files", f"{count_text(files)}, of which {size_text(read)} had to be read"
    outcome = ", ".join(
        f"{count_text(result[key])} {key}" for key in (*_OUTCOMES, "suspected", "missing") if result.get(key)
    )
    yield "outcome", outcome or "nothing found"
    yield "assets in the catalogue", count_text(asset_count)
    yield "duplicates", count_text(result.get("duplicates", 0))
    yield "failures", count_text(task.get("progress", {}).get("failed", 0))
    yield "elapsed", duration_text(seconds)
    yield "rate", f"{files / seconds:,.0f} files/s, {size_text(read / seconds)}/s"


def _file_count(result: Json) -> int:
    return sum(result.get(key, 0) for key in _OUTCOMES)


def scan_problems(task: Json, found: Survey | None) -> list[str]:
    """Say where a scan fell short; `found` is what a folder that nobody else changes really holds."""
    result = task.get("result") or {}
    if task["state"] not in {"SUCCEEDED", "PARTIAL"}:
        return [f"the scan ended {task['state']}: {(task.get('error') or {}).get('message', 'no reason given')}"]
    if found is None:
        return []
    progress = task.get("progress", {})
    return _differences(
        ("files", _file_count(result), found.files),
        ("missing files", result.get("missing", 0) + result.get("suspected", 0), 0),
        ("failures", progress.get("failed", 0), 0),
        ("skipped files", progress.get("skipped", 0), 0),
    )


def first_scan_problems(task: Json, found: Survey, asset_count: int) -> list[str]:
    """Say where the first scan into an empty catalogue fell short."""
    result = task.get("result") or {}
    return _differences(
        ("new files", result.get("new", 0), found.files),
        ("duplicates", result.get("duplicates", 0), found.duplicates),
        ("bytes read", result.get("bytesHashed", 0), found.bytes),
        ("assets", asset_count, found.contents),
    )


def _differences(*numbers: tuple[str, int, int]) -> list[str]:
    return [f"{what}: {got}, expected {expected}" for what, got, expected in numbers if got != expected]


def _first_hits(api: Api, term: str) -> list[Json]:
    """Search until the index, which follows the catalogue within seconds, has something."""
    deadline = time.monotonic() + _SEARCH_SECONDS
    while True:
        hits = [hit for hit, _ in zip(iter_hits(api, term), range(_SHOWN_HITS), strict=False)]
        if hits or time.monotonic() > deadline:
            return hits
        time.sleep(_POLL_SECONDS)


def _files(folder: Path) -> Iterator[Path]:
    """Give the files of a folder in an order that is the same each time."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for file in (Path(parent, name) for name in sorted(names)):
            if file.is_file() and not file.is_symlink():
                yield file


def _sample_file(folder: Path) -> Path | None:
    """Pick the first file that is small enough to send and has something in it."""
    return next((file for file in _files(folder) if 0 < file.stat().st_size < 64_000_000), None)  # noqa: PLR2004


def _word_of(folder: Path) -> str:
    """Pick the longest word of a file's name; nothing if there is no file."""
    file = _sample_file(folder) or next(_files(folder), None)
    if file is None:
        return ""
    words = "".join(letter if letter.isalnum() else " " for letter in file.stem).split()
    return max(words, key=len, default=folder.name)
