"""People who work while all processes of an installation are stopped and started again, one by one."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from uuid import uuid4

import httpx

from tests.support.topology import PROCESSES, STOP_SECONDS, Topology

ITEMS = 200
_PAUSE_SECONDS = 0.05
_READS = ("/assets?limit=20", "/search/assets?q=bin", "/tasks?limit=20", "/asset-pools")


class People:
    """Those who read, and those who submit work; each request is noted."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._stopping = Event()
        self.answers: list[httpx.Response] = []
        self.tasks: list[str] = []

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let them work meanwhile."""
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(self._read), pool.submit(self._submit)]
            try:
                yield
            finally:
                self._stopping.set()
            for job in jobs:
                job.result()

    def _read(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            self.answers.append(self._topology.send("GET", _READS[len(self.answers) % len(_READS)]))

    def _submit(self) -> None:
        number = 0
        while not self._stopping.wait(4 * _PAUSE_SECONDS):
            number += 1
            items = [
                {"hashes": {"sha512": f"{number * ITEMS + each:0128x}"}, "file": _file(each)} for each in range(ITEMS)
            ]
            answer = self._topology.send(
                "POST", "/assets/bulk/create", json={"assets": items}, headers={"Idempotency-Key": str(uuid4())}
            )
            self.answers.append(answer)
            if answer.status_code == httpx.codes.ACCEPTED:
                self.tasks.append(str(answer.json()["uuid"]))


def _file(number: int) -> dict[str, object]:
    return {"filename": f"{number}.jpg", "mimeType": "image/jpeg", "size": 1, "origin": f"{number}.jpg"}


def restart_everything(topology: Topology) -> dict[str, float]:
    """Stop and start each process; gives how many seconds each took to stop."""
    taken: dict[str, float] = {}
    # First who works on the scan, lest it has come to its end.
    for name in sorted(PROCESSES, key=lambda name: "hash" not in str(PROCESSES[name])):
        began = time.monotonic()
        assert topology.end(name, signal.SIGTERM) == 0, topology.log_of(name)[-4000:]
        taken[name] = time.monotonic() - began
        topology.start(name)
        topology.wait_ready(name)
    return taken


def require_unnoticed(topology: Topology, people: People, taken: dict[str, float]) -> None:
    """See that no request failed, no task was lost, and no process took too long to stop."""
    unwell = [answer for answer in people.answers if answer.is_error]
    assert [(answer.status_code, answer.text) for answer in unwell if "Retry-After" not in answer.headers] == []
    assert {answer.status_code for answer in unwell} <= {httpx.codes.SERVICE_UNAVAILABLE}
    assert max(taken.values()) < STOP_SECONDS
    assert topology.query("SELECT DISTINCT state FROM task") == [("SUCCEEDED",)]
    for task in people.tasks:
        assert topology.wait_for_task(task)["progress"]["done"] == ITEMS
    # What ran was handed back, and went on where it was: no part died, none was planned again.
    assert topology.query("SELECT count(*) FROM task_part WHERE deaths > 0 OR errors > 0")[0][0] == 0
    handed_back = topology.query("SELECT count(*) FROM task_part WHERE attempt > 1")[0][0]
    print(
        f"\n{len(people.answers)} requests, {len(unwell)} told to wait, {topology.gone_over} to the other web;"
        f" {len(people.tasks)} tasks, {handed_back} parts handed back; stopped in {max(taken.values()):.1f} s"
    )
