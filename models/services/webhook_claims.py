"""Who sends what: deliveries that are due are claimed a few at a time, of one webhook, and their endings written.

A claimed delivery becomes due again when its lease runs out, so what a dead worker had is sent by another. An address
that fails is asked again later and later (a circuit breaker), one delivery at a time: it costs nobody else anything.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select

from models.entities import Ordering, Webhook
from models.events import WEBHOOK_DISABLED, NewEvent
from models.ids import new_id
from models.services.webhooks import secrets_of
from models.unit_of_work import UnitOfWork, as_rows

LEASE_SECONDS = 2.0
"""So long, at most, is a delivery late whose worker died."""
_JITTER = 0.2
_BATCH = 8
_TOLERATED_FAILURES = 2
"""So many in a row are nothing but bad luck: the breaker stays closed."""
_FIRST_BREAK_SECONDS, _LONGEST_BREAK_SECONDS = 5.0, 600.0
_LONGEST_RETRY_AFTER_SECONDS = 86_400.0
_MOST_LOGGED = 32
"""Attempts of one delivery that are remembered, the last ones."""

_CLAIM_HOOK = """
    SELECT w.id FROM webhook w
    WHERE w.active AND (w.open_until IS NULL OR w.open_until <= clock_timestamp())
      AND (:with_failing OR w.failures = 0)
      AND EXISTS (SELECT 1 FROM webhook_delivery d
                  WHERE d.webhook_id = w.id AND d.state = 'PENDING' AND d.due <= clock_timestamp())
      AND (SELECT count(DISTINCT d.lease) FROM webhook_delivery d
           WHERE d.webhook_id = w.id AND d.lease IS NOT NULL AND d.due > clock_timestamp())
          < CASE WHEN w.failures > 0 OR w.ordering <> 'NONE' OR w.most_per_second IS NOT NULL THEN 1
                 ELSE w.most_concurrent END
    ORDER BY w.claimed NULLS FIRST LIMIT 1 FOR NO KEY UPDATE OF w SKIP LOCKED
"""
_DUE = {
    Ordering.NONE: """SELECT id FROM webhook_delivery
        WHERE webhook_id = :hook AND state = 'PENDING' AND due <= clock_timestamp()
        ORDER BY due LIMIT :most FOR UPDATE SKIP LOCKED""",
    # What waits for its next attempt holds up what comes after it.
    Ordering.ELEMENT: """SELECT id FROM webhook_delivery d
        WHERE webhook_id = :hook AND state = 'PENDING' AND due <= clock_timestamp() AND NOT EXISTS (
            SELECT 1 FROM webhook_delivery e WHERE e.webhook_id = :hook AND e.subject_id = d.subject_id
            AND e.number < d.number AND e.state = 'PENDING' AND e.due > clock_timestamp())
        ORDER BY number LIMIT :most FOR UPDATE SKIP LOCKED""",
    Ordering.ALL: """SELECT id FROM (
            SELECT id, due, bool_and(due <= clock_timestamp()) OVER (ORDER BY number) AS is_next FROM (
                SELECT id, due, number FROM webhook_delivery
                WHERE webhook_id = :hook AND state = 'PENDING' ORDER BY number LIMIT :most) AS head) AS following
        WHERE is_next""",
}


class Policy(NamedTuple):
    """How often and how long is tried."""

    retry_seconds: Sequence[float]
    """Between one attempt and the next; each is lengthened by chance by up to a fifth."""
    failing_days: float
    """Of nothing but failure, after which a webhook is given up."""


class Message(NamedTuple):
    """A delivery to be sent."""

    id: UUID
    body: str
    attempts: int
    """Those before."""
    trace_id: str | None


@dataclass(frozen=True)
class Batch:
    """What one thread sends to one address, one after the other."""

    lease: UUID
    webhook_id: UUID
    url: str
    secrets: Sequence[str]
    most_per_second: int | None
    is_failing: bool
    messages: Sequence[Message]


@dataclass(frozen=True)
class Attempt:
    """How an attempt went. Without a status there was no answer: `error` says why."""

    message: Message
    at: datetime
    duration_ms: int
    status: int | None = None
    error: str | None = None
    response: str = ""
    retry_after: float | None = None

    @property
    def is_good(self) -> bool:
        """Whether the other side has it."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - the class of successes

    @property
    def is_gone(self) -> bool:
        """Whether the other side never wants to hear anything again."""
        return self.status == 410  # noqa: PLR2004 - Gone


def claim(uow: UnitOfWork, *, with_failing: bool) -> Batch | None:
    """Take the next deliveries of the webhook whose turn it is; None when nothing is due."""
    row: Any = uow.execute(_CLAIM_HOOK, with_failing=with_failing).one_or_none()
    if row is None:
        return None
    hook = uow.session.execute(select(Webhook).where(Webhook.id == row[0])).scalar_one()
    lease, most = new_id(), 1 if hook.failures else _BATCH
    rows: Any = uow.execute(
        f"""WITH due AS ({_DUE[hook.ordering]})
            UPDATE webhook_delivery d SET lease = :lease, due = clock_timestamp() + make_interval(secs => :seconds)
            FROM due WHERE d.id = due.id RETURNING d.number, d.id, d.body, d.attempts, d.trace_id""",  # noqa: S608
        hook=hook.id, most=most, lease=lease, seconds=LEASE_SECONDS,
    ).all()  # fmt: skip
    # Where all that is due waits for something that is not, it is looked at again in a moment.
    uow.execute(
        """UPDATE webhook SET claimed = clock_timestamp(),
               open_until = CASE WHEN :some THEN open_until ELSE clock_timestamp() + make_interval(secs => 1) END
           WHERE id = :id""",
        some=bool(rows), id=hook.id,
    )  # fmt: skip
    messages = [Message(*row[1:]) for row in sorted(rows)]
    return Batch(lease, hook.id, hook.url, secrets_of(hook), hook.most_per_second, hook.failures > 0, messages)


def renew(uow: UnitOfWork, leases: Sequence[UUID]) -> None:
    """Keep what is being sent from becoming due."""
    uow.execute(
        """UPDATE webhook_delivery SET due = clock_timestamp() + make_interval(secs => :seconds)
           WHERE id IN (SELECT id FROM webhook_delivery WHERE lease = ANY(:leases) AND lease IS NOT NULL
                        FOR UPDATE SKIP LOCKED)""",  # what is locked is being written this very moment
        leases=list(leases), seconds=LEASE_SECONDS,
    )  # fmt: skip


def record(uow: UnitOfWork, batch: Batch, attempts: Sequence[Attempt], policy: Policy) -> None:
    """Write how attempts went; what was not tried is given back."""
    if batch.is_failing or not all(attempt.is_good for attempt in attempts):
        # In the order in which claims lock.
        uow.execute("SELECT 1 FROM webhook WHERE id = :id FOR NO KEY UPDATE", id=batch.webhook_id)
    tried = {attempt.message.id for attempt in attempts}
    uow.execute(
        """UPDATE webhook_delivery d SET attempts = d.attempts + 1, lease = NULL, state = new.state,
               due = clock_timestamp() + make_interval(secs => new.seconds),
               finished = CASE WHEN new.seconds IS NULL THEN clock_timestamp() END,
               log = CASE WHEN jsonb_array_length(d.log) < :most THEN d.log ELSE d.log - 0 END || new.log
           FROM json_to_recordset(CAST(:rows AS json)) AS new (id uuid, state text, seconds float8, log jsonb)
           WHERE d.id = new.id AND d.lease = :lease""",
        rows=as_rows([_row(attempt, policy) for attempt in attempts]), lease=batch.lease, most=_MOST_LOGGED,
    )  # fmt: skip
    if len(tried) < len(batch.messages):
        uow.execute(
            "UPDATE webhook_delivery SET lease = NULL, due = clock_timestamp() WHERE lease = :lease", lease=batch.lease
        )
    if attempts:
        _judge(uow, batch, attempts, policy)


def _row(attempt: Attempt, policy: Policy) -> dict[str, Any]:
    seconds = None if attempt.is_good else _delay(attempt, policy.retry_seconds)
    state = "DELIVERED" if attempt.is_good else "FAILED" if seconds is None else "PENDING"
    told = {
        "at": attempt.at, "durationMs": attempt.duration_ms, "status": attempt.status, "error": attempt.error,
        "response": attempt.response or None,
    }  # fmt: skip
    logged = {name: value for name, value in told.items() if value is not None}
    return {"id": attempt.message.id, "state": state, "seconds": seconds, "log": [logged]}


def _delay(attempt: Attempt, retry_seconds: Sequence[float]) -> float | None:
    """Say how long to wait; None: it was tried often enough."""
    if attempt.message.attempts >= len(retry_seconds):
        return None
    seconds = retry_seconds[attempt.message.attempts] * random.uniform(1, 1 + _JITTER)  # noqa: S311 - no secret
    return max(seconds, min(attempt.retry_after or 0.0, _LONGEST_RETRY_AFTER_SECONDS))


def _judge(uow: UnitOfWork, batch: Batch, attempts: Sequence[Attempt], policy: Policy) -> None:
    """Note how it goes with a webhook, and give it up when that is called for."""
    last = attempts[-1]
    if last.is_good:
        if batch.is_failing:
            uow.execute(
                "UPDATE webhook SET failures = 0, failing_since = NULL, open_until = NULL WHERE id = :id",
                id=batch.webhook_id,
            )
        return
    row: Any = uow.execute(
        """UPDATE webhook SET failures = CASE WHEN :anew THEN 1 ELSE failures + 1 END,
               failing_since = coalesce(CASE WHEN NOT :anew THEN failing_since END, clock_timestamp())
           WHERE id = :id RETURNING failures, extract(epoch FROM clock_timestamp() - failing_since)""",
        id=batch.webhook_id, anew=attempts[0].is_good,
    ).one_or_none()  # fmt: skip
    if row is None:
        return  # it was deleted meanwhile
    failures, failing_seconds = int(row[0]), float(row[1])
    pause = _break_seconds(failures, last)
    uow.execute(
        "UPDATE webhook SET open_until = clock_timestamp() + make_interval(secs => :seconds) WHERE id = :id",
        seconds=pause, id=batch.webhook_id,
    )  # fmt: skip
    if last.is_gone:
        _give_up(uow, batch.webhook_id, "The address answered 410: it is gone")
    elif failing_seconds > policy.failing_days * 86_400:
        _give_up(uow, batch.webhook_id, f"Every attempt has failed for {policy.failing_days:g} days")


def _break_seconds(failures: int, last: Attempt) -> float:
    beyond = failures - _TOLERATED_FAILURES
    seconds = 0.0 if beyond <= 0 else min(_FIRST_BREAK_SECONDS * 2.0 ** min(beyond - 1, 16), _LONGEST_BREAK_SECONDS)
    return max(seconds, min(last.retry_after or 0.0, _LONGEST_RETRY_AFTER_SECONDS))


def _give_up(uow: UnitOfWork, webhook_id: UUID, reason: str) -> None:
    row: Any = uow.execute(
        """UPDATE webhook SET active = false, disabled_reason = :reason, revision = revision + 1, edited = now()
           WHERE id = :id AND active RETURNING space_id""",
        reason=reason, id=webhook_id,
    ).one_or_none()  # fmt: skip
    if row is not None:
        uow.publish(NewEvent(WEBHOOK_DISABLED, row[0], webhook_id, None, {"reason": reason}))


def count_due(uow: UnitOfWork, most: int) -> int:
    """Count deliveries that could be sent now, up to `most`."""
    found: Any = uow.execute(
        """SELECT count(*) FROM (
               SELECT 1 FROM webhook w JOIN webhook_delivery d ON d.webhook_id = w.id
               WHERE w.active AND (w.open_until IS NULL OR w.open_until <= clock_timestamp())
                 AND d.state = 'PENDING' AND d.due <= clock_timestamp() LIMIT :most) AS due""",
        most=most,
    ).scalar_one()
    return int(found)
