"""500 WebSocket clients get every task event in order, while the API is asked: its p99 must stay under 150 ms.

The clients share this machine's cores with all of Loom, so the figures are worse than a server's would be. Two web
processes, as Loom has by default; the relay runs here.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Event, Thread
from typing import Any

import httpx

from models.events import TASK_UPDATED, NewEvent
from models.ids import new_id
from models.wiring import Platform
from scheduler.relay import EventRelay
from tests.bench._listeners import Seen, listen, percentile
from tests.support.actors import first_user
from tests.support.serving import fresh_platform, served
from tests.support.settings import PASSWORD
from tests.support.waiting import wait_until

CLIENTS = 500
CLIENT_PROCESSES = 2
SECONDS = 20
EVENTS_PER_SECOND = 25
REQUESTS_PER_SECOND = 40
MOST_P99_MS = 150


def main() -> None:
    """Print what the clients got and how long the API took."""
    with (
        fresh_platform() as (platform, log),
        served("web.wsgi:app", platform.settings, log, LOOM_WEB_PROCESSES="2") as port,
    ):
        _measure(platform, port)


def _measure(platform: Platform, port: int) -> None:
    login = {"username": "admin", "password": PASSWORD}
    token = httpx.post(f"http://127.0.0.1:{port}/api/v1/auth/login", json=login, timeout=60).json()["token"]
    idle = _ask(port, token, SECONDS / 4)
    with (
        _relay(platform),
        get_context("spawn").Manager() as manager,
        connected(manager, port, token, CLIENTS) as clients,
    ):
        asking: list[float] = []
        asker = Thread(target=lambda: asking.extend(_ask(port, token, SECONDS)))
        asker.start()
        published = _publish(platform)
        asker.join()
        seen = clients(published)
    _report(published, seen, idle, asking)


@contextmanager
def _relay(platform: Platform) -> Iterator[None]:
    stopping = Event()

    def run() -> None:
        relay = EventRelay(platform)
        while not stopping.is_set():
            if not relay.run_once():
                platform.bus.wait_for_ring(0.5)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@contextmanager
def connected(manager: Any, port: int, token: str, count: int) -> Iterator[Any]:
    """Connect all clients; gives a function that waits until they have so many frames."""
    expected = manager.Value("i", 0)
    counters = [manager.Value("i", 0) for _ in range(CLIENT_PROCESSES)]
    with ProcessPoolExecutor(CLIENT_PROCESSES, mp_context=get_context("spawn")) as pool:
        share = count // CLIENT_PROCESSES
        futures = [pool.submit(listen, port, token, share, counter, expected) for counter in counters]
        wait_until(lambda: sum(counter.value for counter in counters) == count, 300)

        def wait(frames: int) -> list[Seen]:
            expected.value = frames
            return [seen for future in futures for seen in future.result(120)]

        yield wait


def _publish(platform: Platform) -> int:
    """Write events at a steady rate, each in a transaction of its own; gives their number."""
    actor = first_user(platform)
    start, count = time.monotonic(), 0
    while (passed := time.monotonic() - start) < SECONDS:
        if count < passed * EVENTS_PER_SECOND:
            with platform.unit_of_work() as uow:
                data = {"kind": "pools.scan", "title": "Scan of photographs", "state": "RUNNING", "number": count}
                uow.publish(NewEvent(TASK_UPDATED, actor.space_id, new_id(), actor.user_id, data))
                uow.commit()
            count += 1
        else:
            time.sleep(0.002)
    return count


def _ask(port: int, token: str, seconds: float) -> list[float]:
    """Ask for the list of tasks at a steady rate; gives how many milliseconds each answer took."""
    taken = []
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=30) as api:
        start = time.monotonic()
        for number in range(round(seconds * REQUESTS_PER_SECOND)):
            time.sleep(max(0.0, start + number / REQUESTS_PER_SECOND - time.monotonic()))
            before = time.perf_counter()
            api.get("/tasks").raise_for_status()
            taken.append((time.perf_counter() - before) * 1000)
    return taken


def _report(published: int, seen: list[Seen], idle: list[float], asking: list[float]) -> None:
    complete = sum(each.frames == published for each in seen)
    orders = {each.checksum for each in seen}
    late = [value for each in seen for value in each.late_ms]
    print(f"{len(seen)} clients, {published} events in {SECONDS} s: {complete} clients got all, {len(orders)} order(s)")
    print(f"event to client: p50 {percentile(late, 0.5):.0f} ms, p99 {percentile(late, 0.99):.0f} ms")
    for name, taken in (("nobody listening", idle), (f"{len(seen)} listening", asking)):
        print(f"GET /tasks, {name}: p50 {percentile(taken, 0.5):.1f} ms, p99 {percentile(taken, 0.99):.1f} ms")
    is_good = complete == len(seen) == CLIENTS and len(orders) == 1 and percentile(asking, 0.99) < MOST_P99_MS
    print("as wanted" if is_good else "NOT as wanted")
    if not is_good:
        sys.exit(1)


if __name__ == "__main__":
    main()
