"""The feed: keeps the live index up with the event log.

One round reads the events behind the index's position, loads the assets that they are about as they are now, and
writes these; a commit follows at once when the last one is some time ago, so a single new asset is findable right
away and a flood of them costs a commit in one and a half. Whatever is wrong with the files (gone, changed, of another
database, of another schema) has one remedy: build anew from PostgreSQL.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from uuid import UUID

from models.logs import get_logger
from models.search import (
    SCHEMA_VERSION,
    Generation,
    IndexBroken,
    IndexBusy,
    IndexDamaged,
    IndexHome,
    IndexState,
    TantivyWriter,
)
from models.services.event_log import Position, read_events
from models.services.indexing import (
    INDEXED_EVENTS,
    asset_of,
    can_continue,
    load_documents,
    make_witness,
    read_unsettled,
)
from models.unit_of_work import UnitOfWork
from models.wiring import Platform
from workers.indexing import mends
from workers.indexing.rebuild import Progress, make_state, rebuild

COMMIT_SECONDS = 0.5
_FLOOD_COMMIT_SECONDS = 1.5
"""Between commits while more waits to be read: each makes a segment, and segments are merged again and again."""
_BATCH = 1000
_CHECK_SECONDS = 1.0
_NOTE_SECONDS = 5.0
"""How often the position is noted while only events pass that change no document."""

logger = get_logger(__name__)


@dataclass
class Live:
    """The live generation, open for writing."""

    writer: TantivyWriter
    database: str
    position: Position
    witness: str
    early_id: int = 0
    """The last event that was acted on before its turn (`read_unsettled`)."""
    is_dirty: bool = False
    is_bloated: bool = False
    committed: float = field(default_factory=lambda: float("-inf"))
    noted: float = field(default_factory=time.monotonic)
    checked: float = field(default_factory=time.monotonic)

    @property
    def state(self) -> IndexState:
        """What the generation holds once all that was written is committed."""
        return make_state(self.database, self.position, self.witness)


class Feed:
    """Follows the log. Only for the process that leads; leaving the block commits, an error in it does not."""

    def __init__(self, platform: Platform, home: IndexHome, progress: Progress) -> None:
        self._platform = platform
        self._home = home
        self._progress = progress
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        live = self._live
        if live and live.is_dirty and error is None and self._is_current(live):
            # If it fails, the next one reads these events again.
            with suppress(IndexBroken):
                self._commit(live)
        self.abandon()

    def run_once(self) -> bool:
        """Do one round; True when there is more to read at once.

        Raises:
            IndexBusy: when another thread or process writes what must be written here.
            IndexBroken: when the files cannot be read or written; the next round looks what can be done.
        """
        try:
            live = self._ensure_live()
            has_more = self._read(live)
            self._commit_if_due(live, _FLOOD_COMMIT_SECONDS if has_more else COMMIT_SECONDS)
            self._check_if_due(live)
            if live.is_bloated and not live.is_dirty:
                logger.info("the text index holds more that was removed than that is there")
                self.abandon()
                self._live = self._build()
                self._remove_old()
        except IndexBroken:
            has_given_way = self._live is not None and not self._is_current(self._live)
            self.abandon()
            if has_given_way:
                # Another generation is live, and the removal of this one only looked like damage.
                return True
            raise
        return has_more

    def wait_seconds(self, longest: float) -> float:
        """Tell how long to wait for the next event: less when something waits for its commit."""
        if self._live is None or not self._live.is_dirty:
            return longest
        return max(0.0, min(longest, self._live.committed + COMMIT_SECONDS - time.monotonic()))

    def abandon(self) -> None:
        """Write no more; what was not committed is read again by whoever goes on."""
        if self._live is not None:
            self._live.writer.close()
            self._live = None

    def _is_current(self, live: Live) -> bool:
        return self._home.current() == live.writer.generation

    def _ensure_live(self) -> Live:
        if self._live is not None and self._is_current(self._live):
            return self._live
        self.abandon()
        self._live = self._open_current() or self._build()
        self._remove_old()
        return self._live

    def _build(self) -> Live:
        rebuild(self._platform, self._home, self._progress)
        generation = self._home.current()
        state = generation.read_state() if generation else None
        live = self._open(generation, state) if generation and state else None
        if live is None:
            raise IndexBroken("The text index vanished as soon as it was built")
        return live

    def _open_current(self) -> Live | None:
        """Open the live generation; None when there is none that can be continued."""
        generation = self._home.current()
        if generation is None:
            logger.info("there is no text index")
            return None
        state = generation.read_state()
        if state is None or state.schema != SCHEMA_VERSION:
            logger.warning("the text index is of another version, or unfinished")
            return None
        with self._platform.unit_of_work() as uow:
            if not can_continue(uow, state):
                logger.warning("the text index does not fit this database's log")
                return None
        return self._open(generation, state)

    def _open(self, generation: Generation, state: IndexState) -> Live | None:
        try:
            writer = TantivyWriter(generation)
        except IndexDamaged as error:
            logger.warning("the text index is damaged", reason=error.message)
            # Readers must not open it: mapped files that are too short kill a process.
            self._home.unpublish()
            return None
        return Live(writer, state.database, Position(state.xid, state.id), state.witness)

    def _remove_old(self) -> None:
        # When somebody builds, the next builder removes them.
        with suppress(IndexBusy), self._home.building():
            self._home.remove_others()

    def _read(self, live: Live) -> bool:
        with self._platform.unit_of_work() as uow:
            events = read_events(uow, live.position, _BATCH)
            early = read_unsettled(uow, max(live.early_id, live.position.id), _BATCH)
            changed = [asset_of(event) for event in events if event.type in INDEXED_EVENTS]
            asked = mends.take(_BATCH)
            self._write(live, uow, changed + [asset_id for _, asset_id in early] + asked)
        if events:
            live.position, live.witness = events[-1].position, make_witness(events[-1].subject_id, events[-1].occurred)
        if early:
            live.early_id = early[-1][0]
        return _BATCH in {len(events), len(early), len(asked)}

    @staticmethod
    def _write(live: Live, uow: UnitOfWork, changed: list[UUID]) -> None:
        asset_ids = list(dict.fromkeys(changed))
        if asset_ids:
            live.is_dirty = True
            live.writer.replace(asset_ids, load_documents(uow, asset_ids))

    def _commit_if_due(self, live: Live, interval: float) -> None:
        now = time.monotonic()
        if live.is_dirty:
            if now - live.committed >= interval:
                self._commit(live)
        elif now - live.noted >= _NOTE_SECONDS:
            live.writer.note(live.state)
            live.noted = now

    @staticmethod
    def _commit(live: Live) -> None:
        live.writer.commit(live.state)
        live.is_dirty = False
        live.committed = live.noted = time.monotonic()

    @staticmethod
    def _check_if_due(live: Live) -> None:
        if time.monotonic() - live.checked >= _CHECK_SECONDS:
            live.writer.check()
            live.is_bloated = live.writer.is_bloated()
            live.checked = time.monotonic()
