"""A bed of twenty webhooks, good and bad, events, and processes that are killed meanwhile."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import psutil

from tests.support.running_loom import RunningLoom, free_port
from tests.support.waiting import wait_until

ALLOWED = {"LOOM_FETCH_ALLOWED_NETWORKS": "127.0.0.0/8", "LOOM_WEBHOOK_RETRY_SECONDS": "2,5,10,20,40,60,60"}
HEALTHY = (*(f"ok/{number}" for number in range(10)), "slow/0", "slow/1", "redirecting/0", "huge/0")
OTHERS = ("flapping/0", "gone/0", "broken/0", "hanging/0", "dead", "tls")
_ORDERINGS = {"ok/0": "ALL", "ok/1": "ALL", "ok/2": "ELEMENT", "ok/3": "ELEMENT"}
_SUBJECTS = 50
_INSERT = """
    INSERT INTO event (type, space_id, subject_id, actor_id, data)
    SELECT 'tag.updated', (SELECT id FROM space LIMIT 1), CAST(lpad(to_hex(number %% %(subjects)s), 32, '0') AS uuid),
        NULL, '{}' FROM generate_series(CAST(%(first)s AS bigint), %(last)s) AS number
"""


@dataclass(frozen=True)
class Result:
    """What an address has heard."""

    events: list[int]
    """In the order in which they first came."""
    subjects: list[str]
    duplicates: int
    unsigned: int
    latencies: list[float]
    """Of the first time, in seconds from the event on."""


@contextmanager
def endpoints() -> Iterator[tuple[int, int]]:
    """Serve all addresses meanwhile; gives the ports of those without and with TLS."""
    command = [sys.executable, "-m", "tests.support.webhook_endpoints"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            plain, tls = process.stdout.readline().split()
            yield int(plain), int(tls)
        finally:
            process.kill()


class Bed:
    """Webhooks of a running Loom."""

    def __init__(self, loom: RunningLoom, plain: int, tls: int) -> None:
        self._loom = loom
        self._base = f"http://127.0.0.1:{plain}"
        self._chance = random.Random(1)
        self.sent = 0
        urls = {name: f"{self._base}/{name}" for name in (*HEALTHY, *OTHERS)}
        urls |= {"dead": f"http://127.0.0.1:{free_port()}/", "tls": f"https://127.0.0.1:{tls}/ok/99"}
        secrets = {}
        for name, url in urls.items():
            body = {"url": url, "triggers": ["TAG_UPDATED"], "ordering": _ORDERINGS.get(name, "NONE")}
            more = {"maxConcurrency": 8} if name.startswith("slow") else {}
            answer = loom.ask("POST", "/webhooks", json={**body, **more})
            assert answer.status_code == httpx.codes.CREATED, answer.text
            secrets[f"/{name}"] = answer.json()["secretToken"]
        secrets[_path("redirecting/0")] = secrets["/redirecting/0"]
        httpx.post(f"{self._base}/secrets", json=secrets)

    def happen(self, count: int) -> None:
        """Let so many events happen, in one transaction."""
        with self._loom.driver() as driver:
            driver.execute(_INSERT, {"subjects": _SUBJECTS, "first": self.sent, "last": self.sent + count - 1})
        self.sent += count

    def kill(self) -> None:
        """Kill the scheduler, which has the relay, or a process that delivers."""
        words = self._chance.choice([("compose.cli", "scheduler"), ("broker", "webhooks")])
        victims = self._loom.processes(*words)
        with suppress(psutil.NoSuchProcess, IndexError):
            self._chance.choice(victims).kill()

    def wait(self, seconds: float) -> None:
        """Wait until every healthy address has everything."""

        def is_done() -> bool:
            time.sleep(1)
            counts = httpx.get(f"{self._base}/counts", timeout=60).json()
            return all(counts.get(_path(name), 0) >= self.sent for name in HEALTHY)

        wait_until(is_done, seconds)

    def heard(self) -> dict[str, Result]:
        """Give what each address has heard."""
        found: dict[str, list[list[Any]]] = httpx.get(f"{self._base}/heard", timeout=60).json()
        return {name: _result(found.get(_path(name), ())) for name in (*HEALTHY, "flapping/0")}

    def expected(self) -> list[tuple[int, str]]:
        """Give the events that happened, and what they are about, in the order of the log."""
        with self._loom.driver() as driver:
            rows = driver.execute(
                "SELECT id, subject_id FROM event WHERE type = 'tag.updated' ORDER BY event.xid, event.id"
            ).fetchall()
        return [(number, str(subject)) for number, subject in rows]


def _path(name: str) -> str:
    """Where it is heard in the end."""
    return f"/ok/{name}" if name.startswith("redirecting") else f"/{name}"


def _result(heard: Sequence[Sequence[Any]]) -> Result:
    first: dict[str, Sequence[Any]] = {}
    for each in heard:
        first.setdefault(each[0], each)
    return Result(
        [each[1] for each in first.values()], [each[5] for each in first.values()], len(heard) - len(first),
        sum(not each[3] for each in heard),
        sorted(each[2] - datetime.fromisoformat(each[4]).timestamp() for each in first.values()),
    )  # fmt: skip


def check(bed: Bed) -> None:
    """Hold what was heard against what happened."""
    expected, heard = bed.expected(), bed.heard()
    for name in HEALTHY:
        result = heard[name]
        assert Counter(result.events) == Counter(number for number, _ in expected), name
        assert result.unsigned == 0, name
        ordering = _ORDERINGS.get(name, "NONE")
        if ordering == "ALL":
            assert result.events == [number for number, _ in expected], name
        if ordering == "ELEMENT":
            for subject in set(result.subjects):
                own = [number for number, about in zip(result.events, result.subjects, strict=True) if about == subject]
                assert own == [number for number, about in expected if about == subject], (name, subject)


def run(bed: Bed, events: int, per_second: float, kills: int) -> None:
    """Let events happen at a pace, and kill meanwhile; returns when the healthy have all."""
    begun, killed = time.monotonic(), 0
    while bed.sent < events:
        due = min(events, int((time.monotonic() - begun) * per_second) + 1)
        if due > bed.sent:
            bed.happen(due - bed.sent)
        if killed < kills * bed.sent // events:
            bed.kill()
            killed += 1
        time.sleep(0.1)
    bed.wait(600)
