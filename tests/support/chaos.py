"""A mixed load on an installation, and what goes wrong meanwhile: deaths, standstills, lost messages, full disks."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import httpx
import psutil
import redis

from tests.support.hosts import SlowDisk
from tests.support.topology import PROCESSES, WEBS, Topology
from tests.support.waiting import wait_until

_PATIENCE_SECONDS = 180
_PAUSE_SECONDS = 0.2
_ITEMS, _FILE_BYTES = 50, 20_000
_LATER = frozenset({429, 502, 503, 504})
_STREAM = {"Accept": "text/event-stream"}
_STOPPED = (1.0, 4.0, 15.0)
"""Seconds; the longest is more than a lease."""
_CUT = (0.5, 3.0, 12.0)
_SLOW_SECONDS = 8
_LOSSES, _LOST_SECONDS, _KEPT_SECONDS = 40, 0.05, 0.15
"""A line that lets a quarter of the time nothing through: as if it lost packets, in bursts."""


class Load:
    """People and programs that use the installation. What was promised to them is noted, to be held against the end."""

    def __init__(self, topology: Topology, media: Path) -> None:
        self._topology, self._media = topology, media
        self._stopping, self._has_joined, self._is_over = Event(), Event(), Event()
        self._chance = random.Random(7)
        self.hashes: set[str] = set()
        """Of all assets that must be there."""
        self.files: dict[str, str] = {}
        """The hashes of the files of the pool, by path."""
        self.tags: list[str] = []
        self.streamed: list[tuple[int, str]] = []
        """The positions and subjects of what the stream has told of tags."""
        self.answers: Counter[str] = Counter()
        self.pool = topology.make_pool(media)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let all of it go on meanwhile."""
        jobs = (self._bulk, self._upload, self._scan, self._tag, self._search)
        with ThreadPoolExecutor(len(jobs) + 1) as pool:
            listening = pool.submit(self._listen)
            self._has_joined.wait(_PATIENCE_SECONDS)
            running: list[Future[None]] = [pool.submit(self._repeat, job) for job in jobs]
            try:
                # From now on the stream knows where to go on.
                wait_until(lambda: self.streamed, _PATIENCE_SECONDS)
                yield
            finally:
                self._stopping.set()
                wait(running)
                self._is_over.set()
            for each in (*running, listening):
                each.result()

    def _repeat(self, job: Callable[[], None]) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            job()

    def insist(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request until it is answered for good, with a key so that it is carried out once."""
        headers = {"Idempotency-Key": str(uuid4()), **options.pop("headers", {})}
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                answer = self._topology.send(method, path, headers=headers, **{"timeout": 10, **options})
            except httpx.TransportError:
                self.answers["lost"] += 1
            else:
                self.answers[str(answer.status_code)] += 1
                assert answer.status_code != 500, answer.text
                if answer.status_code not in _LATER and not _still_runs(answer):
                    return answer
            assert time.monotonic() < deadline, (method, path)
            time.sleep(0.3)

    def _bulk(self) -> None:
        hashes = [self._chance.randbytes(64).hex() for _ in range(_ITEMS)]
        file = {"filename": "bulk.bin", "mimeType": "application/octet-stream", "size": 1, "origin": "bulk.bin"}
        items = [{"hashes": {"sha512": sha512}, "file": file} for sha512 in hashes]
        answer = self.insist("POST", "/assets/bulk/create", json={"assets": items})
        if _is_accepted(answer):
            self.hashes.update(hashes)

    def _upload(self) -> None:
        data = os.urandom(_FILE_BYTES)
        headers = {"Content-Type": "application/octet-stream"}
        answer = self.insist("POST", "/assets/upload?filename=upload.bin", content=data, headers=headers)
        if _is_accepted(answer):
            self.hashes.add(hashlib.sha512(data).hexdigest())

    def _scan(self) -> None:
        for _ in range(20):
            name, data = f"{len(self.files):06}.bin", os.urandom(_FILE_BYTES)
            aside = self._media.with_name("aside")
            aside.write_bytes(data)
            aside.rename(self._media / name)  # whole at once: a scan that goes on must not see a half
            self.files[name] = hashlib.sha512(data).hexdigest()
        answer = self.insist("POST", f"/asset-pools/{self.pool}/scan")
        assert answer.status_code == 202 or _is_carried_out(answer), answer.text
        self._stopping.wait(3)

    def _tag(self) -> None:
        name = uuid4().hex
        answer = self.insist("POST", "/tags", json={"name": name, "collection": "chaos"})
        if _is_carried_out(answer):
            ((made,),) = self._topology.query(f"SELECT id FROM tag WHERE name = '{name}'")
            self.tags.append(str(made))
        else:
            assert answer.status_code == 201, answer.text
            self.tags.append(str(answer.json()["uuid"]))

    def _search(self) -> None:
        self.insist("GET", "/search/assets?q=bulk")
        self.insist("GET", "/assets?limit=50")

    def _listen(self) -> None:
        """Hear of tags from now on, wherever a web answers, going on where it broke off."""
        turn = 0
        while not self._has_heard_all():
            turn += 1
            with suppress(httpx.HTTPError, json.JSONDecodeError):
                self._hear(WEBS[turn % len(WEBS)])
            time.sleep(_PAUSE_SECONDS)

    def _has_heard_all(self) -> bool:
        return self._is_over.is_set() and len({tag for _, tag in self.streamed}) >= len(self.tags)

    def _hear(self, web: str) -> None:
        url = f"{self._topology.address(web)}/events"
        headers = {**self._topology.api.headers, **_STREAM}
        if self.streamed:
            headers["Last-Event-ID"] = str(self.streamed[-1][0])
        with httpx.stream("GET", url, headers=headers, params={"type": "tag.created"}, timeout=20) as answer:
            number = ""
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    number = value
                elif name == "data":
                    event = json.loads(value)
                    self._has_joined.set()
                    if event["type"] == "tag.created":
                        self.streamed.append((int(number), event["uuid"]))
                if self._has_heard_all():
                    return


def _is_accepted(answer: httpx.Response) -> bool:
    """Tell whether something was promised: not to those who are told that the disk is full."""
    assert answer.status_code in {202, 507} or _is_carried_out(answer), answer.text
    return answer.status_code != 507


def _still_runs(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and answer.json()["code"] in {"idempotency-running", "taken-over"}


def _is_carried_out(answer: httpx.Response) -> bool:
    """Tell whether the request was carried out by a process that died before it could keep its answer."""
    return answer.status_code == 409 and answer.json()["code"] == "idempotency-answer-gone"


class Faults:
    """What goes wrong, one thing after the other; each is mended again."""

    def __init__(self, topology: Topology, seed: int) -> None:
        self._topology = topology
        self._chance = random.Random(seed)
        self.happened: Counter[str] = Counter()
        self._kinds: dict[Callable[[], str], int] = {
            self._kill: 6, self._stand_still: 3, self._end: 2, self._kill_postgres: 1, self._kill_redis: 1,
            self._forget_messages: 1,
        }  # fmt: skip
        if topology.has_small_disk:
            self._kinds[self._fill_disk] = 1
        if topology.far:
            self._kinds |= {self._cut_off: 2, self._lose_packets: 1}
        self._disk = SlowDisk(topology.home.path)
        if self._disk.exists:
            self._kinds[self._slow_down] = 1

    def close(self) -> None:
        """Let nothing of it last."""
        self._disk.close()

    def happen(self) -> None:
        """Let one thing happen."""
        (fault,) = self._chance.choices(list(self._kinds), list(self._kinds.values()))
        self.happened[fault()] += 1
        self._topology.revive()

    def _victim(self) -> tuple[str, psutil.Process]:
        name = self._chance.choice(list(PROCESSES))
        with suppress(psutil.NoSuchProcess):
            return name, self._chance.choice(self._topology.processes(name))
        self._topology.revive()
        return self._victim()

    def _kill(self) -> str:
        name, process = self._victim()
        with suppress(psutil.NoSuchProcess):
            process.kill()
        time.sleep(self._chance.random())
        return f"{name.partition('-')[0]} killed"

    def _stand_still(self) -> str:
        name, process = self._victim()
        with suppress(psutil.NoSuchProcess):
            process.suspend()
            time.sleep(self._chance.choice(_STOPPED))
            process.resume()
        return f"{name.partition('-')[0]} stood still"

    def _end(self) -> str:
        name = self._chance.choice(list(PROCESSES))
        self._topology.end(name, signal.SIGTERM)
        self._topology.start(name)
        return f"{name.partition('-')[0]} restarted"

    def _kill_postgres(self) -> str:
        self._topology.kill_engine("postgres")
        return "PostgreSQL killed"

    def _kill_redis(self) -> str:
        self._topology.kill_engine("redis")
        return "Redis killed"

    def _forget_messages(self) -> str:
        with redis.Redis.from_url(self._topology.home.redis_url) as client:
            client.flushall()
        return "Redis flushed"

    def _fill_disk(self) -> str:
        ballast = self._topology.home.blobs / "ballast"
        with suppress(OSError), ballast.open("wb") as stream:
            while True:
                stream.write(bytes(1024 * 1024))
        time.sleep(3)
        ballast.unlink()
        return "disk full"

    def _cut_off(self) -> str:
        assert self._topology.far
        with self._topology.far.cut_off():
            time.sleep(self._chance.choice(_CUT))
        return "network cut"

    def _lose_packets(self) -> str:
        assert self._topology.far
        for _ in range(_LOSSES):
            with self._topology.far.cut_off():
                time.sleep(_LOST_SECONDS)
            time.sleep(_KEPT_SECONDS)
        return "packets lost"

    def _slow_down(self) -> str:
        with self._disk.slow_for(self._topology.engine_process("postgres")):
            time.sleep(_SLOW_SECONDS)
        return "disk slow"
