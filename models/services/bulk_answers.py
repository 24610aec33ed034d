"""What became of a bulk request, in the words of the wire contract, and who asked for it."""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from models.services.task_items import ItemOutcome, list_items
from models.unit_of_work import UnitOfWork

_DONE = {"assets.bulk-create": "CREATED", "assets.bulk-update": "UPDATED"}
_NOT_DONE = ("FAILED", "SKIPPED")
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
    first = list_items(uow, task_id, None, -1, MOST_ITEMS)
    shown = [item for item in first if item.index < MOST_ITEMS]
    later = [item for state in _NOT_DONE for item in list_items(uow, task_id, state, MOST_ITEMS - 1, MOST_ITEMS)]
    return [_item(item, _DONE[kind]) for item in [*shown, *sorted(later, key=attrgetter("index"))][:MOST_ITEMS]]


def _item(outcome: ItemOutcome, done: str) -> dict[str, Any]:
    given = outcome.input or {}
    reference = given.get("clientRef", given.get("data", {}).get("clientRef"))
    item = {
        "index": outcome.index, "uuid": outcome.asset_id and str(outcome.asset_id), "sha512": outcome.subject or None,
        "clientRef": reference if isinstance(reference, str) else None,
        "status": done if outcome.state == "DONE" else "FAILED", "code": outcome.code, "error": outcome.message,
    }  # fmt: skip
    return {name: value for name, value in item.items() if value is not None}
