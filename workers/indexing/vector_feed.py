"""Keeps a store for vectors up with the event log: for the indexer that leads, where there is such a store.

Its place in the log is a row of `relay_position`, so that `/health` tells how far it is behind. Without a place it
begins with all embeddings.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from models.errors import Unavailable
from models.logs import get_logger
from models.services.event_log import (
    begin_reader,
    forget_reader,
    has_position,
    last_position,
    read_events,
    reader_position,
    store_position,
)
from models.services.vector_index import StoredIndex
from models.services.vector_sync import all_points, changed_assets, ids_by_kind, points_of
from models.vectors import VectorStore
from models.wiring import Platform

READER = "vectors"
_BATCH = 500
_IDLE_SECONDS, _RETRY_SECONDS = 0.3, 5.0

logger = get_logger(__name__)


class VectorFeed:
    """Follows the log. Everything it does may be done again to the same effect."""

    def __init__(self, platform: Platform, store: VectorStore) -> None:
        self._platform, self._store = platform, store

    def run_once(self) -> bool:
        """Bring the store up to what has happened; True when there is more at once.

        Raises:
            Unavailable: when the store does not answer.
        """
        with self._platform.unit_of_work() as uow:
            has_begun = has_position(uow, READER)
        if not has_begun:
            fill(self._platform, self._store, lambda _count: None)
            return True
        with self._platform.unit_of_work() as uow:
            position = reader_position(uow, READER)
            uow.commit()
        with self._platform.unit_of_work() as uow:
            events = read_events(uow, position, _BATCH)
            changed = changed_assets(events)
            points = points_of(uow, changed) if changed else {}
        self._store.replace(changed, points)
        if events:
            with self._platform.unit_of_work() as uow:
                store_position(uow, READER, events[-1].position)
                uow.commit()
        return len(events) == _BATCH


def fill(platform: Platform, store: VectorStore, advance: Callable[[int], None]) -> int:
    """Fill the store anew beside what is there, and switch; gives how many vectors there are. `advance` may raise.

    What happens meanwhile is told by the log, from where it was at the beginning.
    """
    with platform.unit_of_work() as uow:
        position = last_position(uow)
    store.begin()
    count = 0
    for points in all_points(platform.unit_of_work, _BATCH):
        store.add(points)
        count += sum(map(len, points.values()))
        advance(count)
    store.switch()
    with platform.unit_of_work() as uow:
        begin_reader(uow, READER, position)
        uow.commit()
    return count


def differs(platform: Platform, store: VectorStore, wait: Callable[[], None]) -> bool:
    """Tell whether the store has other embeddings than PostgreSQL; `wait` lets it catch up.

    What is on its way looks like drift for a moment, so what differs is looked at once more.
    """
    before, strays_before = _differing(platform, store)
    if not before and not strays_before:
        return False
    wait()
    after, strays = _differing(platform, store)
    return bool(before & after) or (strays_before > 0 and strays > 0)


def _differing(platform: Platform, store: VectorStore) -> tuple[set[UUID], int]:
    """Give the embeddings that only one of the two has, and how many the store has of kinds that there are no more."""
    with platform.unit_of_work() as uow:
        known = ids_by_kind(uow)
    stored = {kind: set(store.ids(kind)) for kind in known}
    differing = {each for kind, ids in known.items() for each in ids ^ stored[kind]}
    return differing, store.count() - sum(map(len, stored.values()))


class VectorFollower:
    """Runs a feed in a thread of the indexer, while that leads."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin, if there is a store; if there was one, nothing is kept for it any more."""
        if isinstance(self._platform.vectors, StoredIndex):
            feed = VectorFeed(self._platform, self._platform.vectors.store)
            self._thread = Thread(target=self._follow, args=(feed,), name="vectors")
            self._thread.start()
            return
        with self._platform.unit_of_work() as uow:
            forget_reader(uow, READER)
            uow.commit()

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _follow(self, feed: VectorFeed) -> None:
        while not self._stopping.is_set():
            try:
                pause = 0.0 if feed.run_once() else _IDLE_SECONDS
            except (Unavailable, SQLAlchemyError) as error:
                logger.warning("vectors cannot be kept up now", reason=f"{type(error).__name__}: {error}"[:300])
                pause = _RETRY_SECONDS
            except Exception:
                logger.exception("vectors cannot be kept up now")
                pause = _RETRY_SECONDS
            self._stopping.wait(pause)
