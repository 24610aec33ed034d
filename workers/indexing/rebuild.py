"""Building the index anew beside the live one. Used by the feed when there is nothing to go on from, and by a task."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import Protocol

from models.logs import get_logger
from models.search import SCHEMA_VERSION, Generation, IndexHome, IndexState, TantivyWriter
from models.services.event_log import Position, last_position, read_events
from models.services.indexing import (
    FIRST_ID,
    INDEXED_EVENTS,
    asset_of,
    count_assets,
    find_witness,
    identify_database,
    load_documents,
    next_documents,
)
from models.wiring import Platform

BATCH = 1000

logger = get_logger(__name__)


class Progress(Protocol):
    """Who is told how a rebuild goes, and may end it by raising."""

    def begin(self, total: int) -> None:
        """About so many documents there will be."""

    def advance(self, done: int) -> None:
        """So many there are; between batches, nothing is open."""


@dataclass
class _Build:
    platform: Platform
    progress: Progress
    writer: TantivyWriter
    position: Position
    database: str
    documents: int = 0

    def add_all(self) -> None:
        """Write every asset, in batches by key: memory is flat however many there are."""
        after = FIRST_ID
        while True:
            with self.platform.unit_of_work() as uow:
                documents = next_documents(uow, after, BATCH)
            self.writer.add(documents)
            self.documents += len(documents)
            self.progress.advance(self.documents)
            # An incomplete batch is the end, even if more were created since: the log tells of those.
            if len(documents) < BATCH:
                return
            after = documents[-1].asset_id

    def catch_up(self) -> None:
        """Write what changed meanwhile. The feed does the rest: it goes on from the position that is noted."""
        while True:
            with self.platform.unit_of_work() as uow:
                events = read_events(uow, self.position, BATCH)
                changed = list({asset_of(event): None for event in events if event.type in INDEXED_EVENTS})
                self.writer.replace(changed, load_documents(uow, changed))
            if events:
                self.position = events[-1].position
            if len(events) < BATCH:
                return
            self.progress.advance(self.documents)

    def commit(self) -> None:
        """Make what is written durable, with the position."""
        with self.platform.unit_of_work() as uow:
            state = make_state(self.database, self.position, find_witness(uow, self.position))
        self.writer.commit(state)


def rebuild(platform: Platform, home: IndexHome, progress: Progress) -> int:
    """Build a new generation and make it the live one; gives the number of its documents.

    The live generation is not touched until then, and stays if anything goes wrong. Whoever writes to it finds
    CURRENT changed, and removes it when it has let go of it.

    Raises:
        IndexBusy: when somebody else is building.
    """
    with home.building():
        home.remove_others()
        started = time.monotonic()
        generation = home.create()
        try:
            documents = _build(platform, generation, progress)
            home.switch(generation)
        except BaseException:
            shutil.rmtree(generation.path, ignore_errors=True)
            raise
        logger.info("built the text index", documents=documents, seconds=round(time.monotonic() - started, 1))
        return documents


def _build(platform: Platform, generation: Generation, progress: Progress) -> int:
    writer = TantivyWriter(generation)
    try:
        build = _begin(platform, writer, progress)
        build.add_all()
        build.catch_up()
        progress.advance(build.documents)
        build.commit()
        return build.documents
    finally:
        writer.close()


def _begin(platform: Platform, writer: TantivyWriter, progress: Progress) -> _Build:
    with platform.unit_of_work() as uow:
        # First the position, then the assets: what happens in between is written twice rather than never.
        position, database = last_position(uow), identify_database(uow)
        total = count_assets(uow)
    progress.begin(total)
    return _Build(platform, progress, writer, position, database)


def make_state(database: str, position: Position, witness: str) -> IndexState:
    """Say what an index holds as of now."""
    return IndexState(SCHEMA_VERSION, database, position.xid, position.id, witness, time.time())
