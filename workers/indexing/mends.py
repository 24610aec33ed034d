"""Assets whose documents are to be written anew: put by who has compared, taken by the feed in the same process.

Nothing is lost with the process: who compares next finds them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from queue import Empty, SimpleQueue
from uuid import UUID

_WAITING: SimpleQueue[UUID] = SimpleQueue()


def put(asset_ids: Iterable[UUID]) -> None:
    """Ask for some."""
    for asset_id in asset_ids:
        _WAITING.put(asset_id)


def take(most: int) -> list[UUID]:
    """Give some that were asked for, and forget them."""
    found: list[UUID] = []
    try:
        while len(found) < most:
            found.append(_WAITING.get_nowait())
    except Empty:
        pass
    return found
