"""The heartbeat of a worker process: it renews the leases of running steps, hears of cancellations and of orders.

One thread with a database connection of its own, so that neither a busy connection pool nor native code that has let
go of the interpreter can silence it. A step that outlives its kind's time limit is no longer renewed.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event, Lock, Thread
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import sessionmaker

from models.bus import WorkerInfo
from models.connections import connect
from models.logs import get_logger
from models.messages import Queue
from models.services import work
from models.services.webhook_claims import LEASE_SECONDS
from models.unit_of_work import UnitOfWork
from models.wiring import Platform
from workers.control import Control
from workers.deliverer import Deliverer
from workers.nodes import CUSTOM

_BEATS_A_LEASE = 6
_ANNOUNCED_SECONDS = 15

logger = get_logger(__name__)


@dataclass
class Held:
    """A lease that this process holds, and what its heartbeat has learnt about it."""

    part_id: UUID
    deadline: float = float("inf")
    lost: Event = field(default_factory=Event)
    cancelled: Event = field(default_factory=Event)


class Leases:
    """The leases of one worker process. `start` begins the heartbeat; it ends with `stop`."""

    def __init__(self, platform: Platform, owner: str, queues: Sequence[str], control: Control) -> None:
        self._platform = platform
        self._control = control
        self._owner = owner
        self._info = WorkerInfo(
            owner, tuple(queues), tuple(CUSTOM), host=socket.gethostname(), started=time.time()
        )  # fmt: skip
        self._engine = connect(platform.settings, connections=1)
        self._sessions = sessionmaker(self._engine)
        self._held: dict[UUID, Held] = {}
        self._deliverer: Deliverer | None = None
        self._lock = Lock()
        self._stopped = Event()
        self._thread = Thread(target=self._beat_forever, name="heartbeat", daemon=True)

    def renew_also(self, deliverer: Deliverer) -> None:
        """Renew what is being sent to webhooks, too."""
        self._deliverer = deliverer

    def start(self) -> None:
        """Begin to beat."""
        self._announce()
        self._thread.start()

    def stop(self) -> None:
        """Beat no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._platform.bus.withdraw(self._owner)
        self._engine.dispose()

    @contextmanager
    def hold(self, part_id: UUID) -> Iterator[Held]:
        """Keep the lease of a claimed part alive while the block runs."""
        held = Held(part_id)
        with self._lock:
            self._held[part_id] = held
        try:
            yield held
        finally:
            with self._lock:
                del self._held[part_id]

    def _beat_forever(self) -> None:
        parent = os.getppid()
        leases = [self._platform.settings.task_lease_seconds]
        if Queue.WEBHOOKS in self._info.queues:
            leases.append(LEASE_SECONDS)
        interval = min(leases) / _BEATS_A_LEASE
        while not self._stopped.wait(interval):
            self._announce()
            try:
                self._renew()
            except SQLAlchemyError as error:
                logger.warning("cannot renew leases now", reason=type(error).__name__)
            if os.getppid() != parent:
                # The process that started this one was killed and cannot tell us to stop.
                os.kill(os.getpid(), signal.SIGTERM)
                parent = os.getppid()

    def _announce(self) -> None:
        with self._lock:
            running = len(self._held)
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        running += int(self._deliverer is not None and self._deliverer.is_busy)
        state = self._control.state(running)
        info = replace(self._info, running=running, load=round(load, 2), seen=time.time(), state=state)
        if order := self._platform.bus.announce(info, _ANNOUNCED_SECONDS):
            self._control.obey(order)

    def _renew(self) -> None:
        with self._lock:
            held = dict(self._held)
        running = [part for part, lease in held.items() if time.monotonic() < lease.deadline]
        is_sending = self._deliverer is not None and self._deliverer.is_busy
        if not held and not is_sending:
            return
        with UnitOfWork(self._sessions, self._platform.bus) as uow:
            if self._deliverer is not None:
                self._deliverer.renew(uow)
            kept = work.renew(uow, self._owner, running, self._platform.settings.task_lease_seconds)
            uow.commit()
        for part, lease in held.items():
            if part not in kept:
                lease.lost.set()
            elif kept[part]:
                lease.cancelled.set()
