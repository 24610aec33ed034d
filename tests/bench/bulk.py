"""Bulk creation and change of 100,000 assets against `COPY` of as many rows into the same table with its indexes.

Loom runs as a user runs it; a request is timed from its first byte to the end of its task. The floors are taken in the
same database.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import psycopg

from models.ids import new_id
from tests.support.running_loom import RunningLoom

ASSETS = 100_000
_COLUMNS = "id, space_id, sha512, size, mime_type, filename, origin, meta"


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory(prefix="loom-bench-") as home, RunningLoom(Path(home)) as loom:
        with loom.driver() as connection:
            copy = min(_timed(lambda: _copy(connection)) for _ in range(3))
            print(f"COPY of {ASSETS:,} rows: {ASSETS / copy:,.0f} rows/s", flush=True)
            _report("create, JSON", post(loom, "create", _json(new_items(0))), copy)
            _report("create, NDJSON", post(loom, "create", lines_of(new_items(2)), "ndjson"), copy)
            _report(
                "create, NDJSON with two tags", post(loom, "create", lines_of(new_items(1, tags=True)), "ndjson"), copy
            )
            floor = _timed(lambda: _update(connection))
            print(f"UPDATE of {ASSETS:,} rows in one statement: {ASSETS / floor:,.0f} rows/s", flush=True)
            _report("update, JSON", post(loom, "update", _json(_changes(0))), floor)
        print("peaks (MiB): " + ", ".join(f"{name} {peak:.0f}" for name, peak in loom.peak_memory().items()))


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _copy(connection: psycopg.Connection) -> None:
    (space,) = connection.execute("SELECT id FROM space WHERE name = 'default'").fetchone() or (None,)
    with connection.cursor().copy(f"COPY asset ({_COLUMNS}) FROM STDIN") as copy:
        for number in range(ASSETS):
            row = (new_id(), space, os.urandom(64), number, "image/jpeg", f"{number}.jpg", "copy", "{}")
            copy.write_row(row)


def _update(connection: psycopg.Connection) -> None:
    connection.execute("UPDATE asset SET filename = 'x' || filename, revision = revision + 1 WHERE origin = 'bulk-1'")


def post(loom: RunningLoom, verb: str, body: bytes, kind: str = "json") -> float:
    mime = "application/x-ndjson" if kind == "ndjson" else "application/json"

    def send() -> None:
        answer = loom.ask("POST", f"/assets/bulk/{verb}", content=body, headers={"Content-Type": mime})
        assert answer.status_code == 202, answer.text
        ended = loom.wait_for_task(answer.json()["uuid"], 600)
        assert (ended["state"], ended["result"]["created"]) == ("SUCCEEDED", ASSETS), ended

    return _timed(send)


def _report(name: str, seconds: float, floor: float) -> None:
    print(f"{name:30} {ASSETS / seconds:8,.0f} assets/s   ratio {floor / seconds:.2f}", flush=True)


def new_items(series: int, *, tags: bool = False) -> list[dict[str, object]]:
    more = {"tags": [{"name": "bulk"}, {"name": f"series {series}"}]} if tags else {}
    return [
        {
            "hashes": {"sha512": _sha512(series, number)}, "meta": {"number": number},
            "file": {"filename": f"{number}.jpg", "mimeType": "image/jpeg", "size": number, "origin": f"bulk-{series}"},
            **more,
        }
        for number in range(ASSETS)
    ]  # fmt: skip


def _changes(series: int) -> list[dict[str, object]]:
    return [
        {"hashes": {"sha512": _sha512(series, number)}, "update": {"file": {"filename": f"new {number}.jpg"}}}
        for number in range(ASSETS)
    ]


def _sha512(series: int, number: int) -> str:
    """Spread, as hashes are."""
    return f"{(number * 0x9E3779B97F4A7C15 + series) % 2**64:016x}" * 8


def _json(items: list[dict[str, object]]) -> bytes:
    return orjson.dumps({"assets": items})


def lines_of(items: list[dict[str, object]]) -> bytes:
    return b"\n".join(map(orjson.dumps, items))
