"""What became of a bulk request, in the words of the wire contract, and who asked for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from models.unit_of_work import UnitOfWork

_ITEMS = """
    SELECT index, NULLIF(subject, ''), state, code, message, asset_id::text, input ->> 'clientRef',
           input -> 'data' ->> 'clientRef'
    FROM task_item WHERE task_id = %(task)s AND (state <> 'DONE' OR index < %(most)s) ORDER BY index LIMIT %(most)s
"""
_DONE = {"assets.bulk-create": "CREATED", "assets.bulk-update": "UPDATED"}
MOST_ITEMS = 10_000
"""So many are shown in the answer of a request: the first, and of the later ones those that were not done."""


def asked_by(uow: UnitOfWork, task_id: UUID) -> tuple[UUID | None, UUID | None]:
    """Give the user, and the narrowed API key, that asked for a task."""
    row: Any = uow.execute("SELECT creator_id, token_id FROM task WHERE id = :id", id=task_id).one()
    return row[0], row[1]


def bulk_result(uow: UnitOfWork, task_id: UUID) -> dict[str, int]:
    """Count what became of the items."""
    row: Any = uow.execute("SELECT done, skipped, failed FROM task WHERE id = :id", id=task_id).one()
    done, existing, failed = row
    return {"total": done + existing + failed, "created": done, "existing": existing, "failed": failed + existing}


def bulk_items(uow: UnitOfWork, task_id: UUID, kind: str) -> list[dict[str, Any]]:
    """Give the outcomes of items. The wire has no more states than these; `code` tells the kinds of failure."""
    return [_item(*row, done=_DONE[kind]) for row in uow.fetch(_ITEMS, task=task_id, most=MOST_ITEMS)]


def _item(
    index: int, sha512: str | None, state: str, code: str | None, message: str | None, asset_id: str | None,
    reference: str | None, given: str | None, *, done: str,
) -> dict[str, Any]:  # fmt: skip
    item = {
        "index": index, "uuid": asset_id, "sha512": sha512, "clientRef": reference or given,
        "status": done if state == "DONE" else "FAILED", "code": code, "error": message,
    }  # fmt: skip
    return {name: value for name, value in item.items() if value is not None}
