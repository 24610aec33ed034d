"""Webhooks: events are posted to the addresses that asked for them, a few at a time, by threads of a worker."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event, Lock, Semaphore
from uuid import UUID

from models.errors import LoomError
from models.posting import Poster
from models.services.webhook_claims import Attempt, Batch, Message, Policy, claim, record, renew
from models.services.webhook_signing import signed_headers
from models.tracing import begin_span, end_span, set_trace, trace_headers
from models.unit_of_work import UnitOfWork
from models.wiring import Platform

_BATCH_SECONDS = 5.0
"""After so long, what is left of a batch is given back: others get their turn."""
_MOST_FAILING = 4
"""So many threads of a process may wait for addresses that have failed the last time."""
_SHOWN = 1_024
"""Characters of an answer that the log of a delivery shows."""


class Deliverer:
    """Sends what is due. Safe to use from many threads."""

    def __init__(self, platform: Platform, stopping: Event) -> None:
        self._platform = platform
        self._stopping = stopping
        settings = platform.settings
        self._policy = Policy(settings.webhook_retry_seconds, settings.webhook_failing_days)
        self._failing = Semaphore(_MOST_FAILING)
        self._leases: set[UUID] = set()
        self._lock = Lock()

    def run_one(self) -> bool:
        """Send the next few deliveries of one webhook; False when nothing is due."""
        with_failing = self._failing.acquire(blocking=False)
        try:
            with self._platform.unit_of_work() as uow:
                batch = claim(uow, with_failing=with_failing)
                uow.commit()
            if batch is None:
                return False
            if with_failing and not batch.is_failing:
                self._failing.release()
                with_failing = False
            self._send(batch)
        finally:
            if with_failing:
                self._failing.release()
        return True

    def renew(self, uow: UnitOfWork) -> None:
        """Keep hold of what is being sent; called by the heartbeat of the process."""
        with self._lock:
            leases = list(self._leases)
        if leases:
            renew(uow, leases)

    @property
    def is_busy(self) -> bool:
        """Whether anything is being sent."""
        return bool(self._leases)

    def _send(self, batch: Batch) -> None:
        with self._lock:
            self._leases.add(batch.lease)
        try:
            attempts = list(self._attempts(batch))
            with self._platform.unit_of_work() as uow:
                record(uow, batch, attempts, self._policy)
                uow.commit()
        finally:
            with self._lock:
                self._leases.discard(batch.lease)

    def _attempts(self, batch: Batch) -> Iterator[Attempt]:
        """Send one after the other, up to the first that fails: the address may not be able to take more."""
        settings, begun = self._platform.settings, time.monotonic()
        pause = 1 / batch.most_per_second if batch.most_per_second else 0
        with Poster(settings.fetch_allowed_networks, settings.webhook_timeout, _SHOWN) as poster:
            for number, message in enumerate(batch.messages):
                if number and pause and self._stopping.wait(pause):
                    return
                attempt = _post(poster, batch, message)
                yield attempt
                is_late = time.monotonic() - begun > _BATCH_SECONDS
                if not attempt.is_good or is_late or self._stopping.is_set():
                    return


def _post(poster: Poster, batch: Batch, message: Message) -> Attempt:
    set_trace(message.trace_id)
    span = begin_span("deliver", "CLIENT", **{"loom.webhook": str(batch.webhook_id), "loom.delivery": str(message.id)})
    attempt = _attempt(poster, batch, message, trace_headers(span))
    failed = None if attempt.is_good else attempt.error or f"status {attempt.status}"
    end_span(span, failed=failed, **{"http.response.status_code": attempt.status or 0})
    set_trace(None)
    return attempt


def _attempt(poster: Poster, batch: Batch, message: Message, trace: Mapping[str, str]) -> Attempt:
    at, begun = datetime.now(UTC), time.monotonic()
    signed = signed_headers(batch.secrets, message.id, message.body)
    try:
        answered = poster.post(
            batch.url, message.body.encode(), {"Content-Type": "application/json", **trace, **signed}
        )
    except LoomError as error:
        return Attempt(message, at, _ms_since(begun), error=error.message)
    return Attempt(
        message, at, _ms_since(begun), answered.status, None, answered.text, _retry_after(answered.retry_after)
    )  # fmt: skip


def _retry_after(told: str | None) -> float | None:
    """Read the header of that name: seconds, or a moment."""
    if told is None:
        return None
    if told.strip().isdecimal():
        return float(told.strip()[:9])
    with suppress(ValueError, TypeError):
        moment = parsedate_to_datetime(told)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return None


def _ms_since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
