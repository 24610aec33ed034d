"""The indexer process: the one writer of the text index, and the worker of the queue that rebuilds it.

    wait to lead ──▶ feed: events → index, a few times a second ──▶ stop, or leadership lost ──▶ wait …
                     worker: queue `index` (one thread)

Any number may run; PostgreSQL's advisory lock lets one lead. The feed and a rebuild by a task write to different
generations and meet only in the file CURRENT (`models/search/layout.py`).
"""

from __future__ import annotations

from threading import Event

from sqlalchemy.exc import SQLAlchemyError

from models.errors import Unavailable
from models.leadership import Leadership
from models.logs import get_logger
from models.messages import Queue
from models.process import run_process
from models.search import IndexHome
from models.wiring import Platform
from workers.handling import Interrupted
from workers.in_process import InProcessWorker
from workers.indexing.feed import Feed
from workers.indexing.vector_feed import VectorFollower

LOCK = "loom:indexer"
_CONNECTIONS = 6
_RING_SECONDS = 0.5
_BREATH_SECONDS = 0.03
"""Pause after a ring: events that come close together are read together."""
_FIRST_RETRY_SECONDS = 0.25
_LAST_RETRY_SECONDS = 5.0

logger = get_logger(__name__)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    run_process("indexer", run, _CONNECTIONS)


def run(platform: Platform, stopping: Event) -> None:
    """Lead whenever possible, until stopped."""
    with Leadership(platform.engine, LOCK) as leadership:
        while leadership.acquire(stopping):
            worker, vectors = InProcessWorker(platform, queues=(Queue.INDEX,), threads=1), VectorFollower(platform)
            try:
                vectors.start()
                follow(platform, leadership, stopping)
            finally:
                vectors.stop()
                worker.stop()


def follow(platform: Platform, leadership: Leadership, stopping: Event) -> None:
    """Feed the index while this process leads. Without leadership nothing more is written, not even a commit."""
    home = IndexHome(platform.settings.loom_home.index)
    retry_seconds = _FIRST_RETRY_SECONDS
    with Feed(platform, home, _Watchful(leadership, stopping)) as feed:
        while not stopping.is_set():
            if not leadership.is_held():
                feed.abandon()
                return
            try:
                has_more = feed.run_once()
            except Interrupted:
                continue
            except (SQLAlchemyError, Unavailable, OSError) as error:
                logger.warning("cannot write to the index now", reason=f"{type(error).__name__}: {error}"[:300])
            except Exception:
                # One asset that cannot be indexed must not take the process into a crash loop, and Loom with it.
                logger.exception("cannot write to the index now")
            else:
                retry_seconds = _FIRST_RETRY_SECONDS
                if not has_more:
                    platform.bus.wait_for_ring(feed.wait_seconds(_RING_SECONDS))
                    stopping.wait(_BREATH_SECONDS)
                continue
            stopping.wait(retry_seconds)
            retry_seconds = min(_LAST_RETRY_SECONDS, retry_seconds * 2)


class _Watchful:
    """Ends a rebuild by the feed when the process is to stop or no longer leads."""

    def __init__(self, leadership: Leadership, stopping: Event) -> None:
        self._leadership = leadership
        self._stopping = stopping

    def begin(self, total: int) -> None:
        """Say that it takes a while."""
        logger.info("building the text index", assets=total)

    def advance(self, _done: int) -> None:
        """Look between batches."""
        if self._stopping.is_set() or not self._leadership.is_held():
            raise Interrupted
