"""Requests that may be sent again: each is carried out once, and its answer is kept for a day.

```
 (none) ──begin──▶ RUNNING ──the request's own commit──▶ COMMITTED ──finish──▶ ANSWERED
                      └──forget (refused, failed)──▶ (none)
```

COMMITTED is written in the transaction that holds the request's effects, so a process that dies can leave a request
undone or done, but never in doubt. A lease, renewed while the request runs, tells one that runs from one that died. One
that only stood still finds the key in other hands when it goes on, and can commit nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from models.ids import new_id
from models.permissions import Actor
from models.unit_of_work import UnitOfWork

LEASE_SECONDS = 15
KEPT_HOURS = 24

_KEY = "space_id = :space AND user_id = :user AND key = :key"
_MINE = f"{_KEY} AND owner = :owner"
_BEGIN = f"""
    INSERT INTO idempotency_key (space_id, user_id, key, owner, state, lease_expires)
    VALUES (:space, :user, :key, :owner, 'RUNNING', clock_timestamp() + make_interval(secs => {LEASE_SECONDS}))
    ON CONFLICT (space_id, user_id, key) DO UPDATE SET state = 'RUNNING', owner = :owner, created = now(),
        digest = NULL, status = NULL, headers = NULL, body = NULL, lease_expires = excluded.lease_expires
    WHERE idempotency_key.created < now() - make_interval(hours => {KEPT_HOURS})
       OR (idempotency_key.state = 'RUNNING' AND idempotency_key.lease_expires < clock_timestamp())
    RETURNING 1
"""  # noqa: S608 - constants
_COMMIT = f"UPDATE idempotency_key SET state = 'COMMITTED' WHERE {_MINE}"  # noqa: S608 - a constant


@dataclass(frozen=True)
class Known:
    """What is known of a key that was used before. `digest` is of the request, once that is ANSWERED."""

    state: str
    is_running: bool
    digest: bytes | None
    status: int | None
    headers: dict[str, str] | None
    body: bytes | None


@dataclass(frozen=True)
class Receipt:
    """One use of a key."""

    actor: Actor
    key: str
    owner: UUID = field(default_factory=new_id)

    @property
    def _mine(self) -> dict[str, Any]:
        return {**self._named, "owner": self.owner}

    @property
    def _named(self) -> dict[str, Any]:
        return {"space": self.actor.space_id, "user": self.actor.user_id, "key": self.key}

    def begin(self, uow: UnitOfWork) -> Known | None:
        """Take the key; None when the request is to be carried out now."""
        if uow.execute(_BEGIN, **self._mine).first() is not None:
            return None
        row: Any = uow.execute(
            f"""SELECT state, lease_expires >= clock_timestamp(), digest, status, headers, body
                FROM idempotency_key WHERE {_KEY}""",  # noqa: S608 - a constant
            **self._named,
        ).one_or_none()
        return Known(*row) if row else Known("RUNNING", True, None, None, None, None)

    def attach(self, uow: UnitOfWork) -> None:
        """Let the unit of work that carries the request out note it in its own transaction."""
        uow.before_commit(_COMMIT, **self._mine)

    def renew(self, uow: UnitOfWork) -> None:
        """Tell that the request still runs."""
        uow.execute(
            f"""UPDATE idempotency_key SET lease_expires = clock_timestamp() + make_interval(secs => {LEASE_SECONDS})
                WHERE {_MINE}""",  # noqa: S608 - constants
            **self._mine,
        )

    def finish(
        self, uow: UnitOfWork, digest: bytes, status: int, headers: dict[str, str], body: bytes | None
    ) -> None:  # fmt: skip
        """Keep the answer; without a body, only that there was one."""
        uow.execute(
            f"""UPDATE idempotency_key SET state = 'ANSWERED', digest = :digest, status = :status,
                headers = CAST(:headers AS jsonb), body = :body WHERE {_MINE}""",  # noqa: S608 - a constant
            digest=digest,
            status=status,
            headers=orjson.dumps(headers).decode(),
            body=body,
            **self._mine,
        )

    def forget(self, uow: UnitOfWork) -> None:
        """Let the key be used again, unless the request has had its effects."""
        uow.execute(f"DELETE FROM idempotency_key WHERE {_MINE} AND state = 'RUNNING'", **self._mine)  # noqa: S608
