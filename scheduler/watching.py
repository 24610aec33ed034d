"""Watching pools: what changes in a folder is scanned when it has come to rest, without waiting for the schedule.

A watch only makes scans come sooner. What it misses (another machine's writes to a network share, more folders than the
system watches) is found by the next scan, so nothing here may fail loudly or hold anything up.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from threading import Event, Thread
from uuid import UUID

import watchfiles
from sqlalchemy.exc import SQLAlchemyError

from models.logs import get_logger
from models.paths import encode_path
from models.services.pool_watches import list_watched, scan_changed
from models.wiring import Platform

_LOOK_AGAIN_SECONDS = 2.0
_TROUBLE_SECONDS = 60.0
_LONGEST_UNREST_SECONDS = 60
"""A folder that never comes to rest is scanned every so often."""

logger = get_logger(__name__)

Roots = Mapping[UUID, str]


class Watcher:
    """Watches the pools that say so, in a thread of the leading scheduler."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._stopped = Event()
        self.roots: Roots = {}
        """The pools that are watched now."""
        self.waiting: dict[UUID, set[str]] = defaultdict(set)
        """Folders that have changed and wait for a scan, by pool."""
        self._thread = Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; returns when it is so."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.roots = self._find_roots()
                self._watch(self.roots)
            except SQLAlchemyError as error:
                logger.warning("watching is postponed: the database is away", reason=type(error).__name__)
                self._stopped.wait(_LOOK_AGAIN_SECONDS)
            except (OSError, RuntimeError) as error:  # the latter is what watchfiles makes of the limits of inotify
                logger.warning("folders cannot be watched; their schedules still hold", reason=str(error))
                self._stopped.wait(_TROUBLE_SECONDS)

    def _find_roots(self) -> Roots:
        with self._platform.unit_of_work() as uow:
            watched = {pool_id: os.fsdecode(root) for pool_id, root in list_watched(uow)}
        return {pool_id: root for pool_id, root in watched.items() if os.path.isdir(root)}

    def _watch(self, roots: Roots) -> None:
        """Watch until other pools are to be watched."""
        if not roots:
            self._stopped.wait(_LOOK_AGAIN_SECONDS)
            return
        rest = int(self._platform.settings.watch_delay * 1000)
        for changes in watchfiles.watch(
            *roots.values(), watch_filter=None, step=rest, debounce=max(rest, _LONGEST_UNREST_SECONDS * 1000),
            rust_timeout=int(_LOOK_AGAIN_SECONDS * 1000), yield_on_timeout=True, stop_event=self._stopped,
            raise_interrupt=False, ignore_permission_denied=True,
        ):  # fmt: skip
            for pool_id, folders in changed_folders(roots, (path for _, path in changes)).items():
                self.waiting[pool_id] |= folders
            self._scan_changed()
            if self._find_roots() != roots:
                return

    def _scan_changed(self) -> None:
        attempts = self._platform.settings.task_max_attempts
        for pool_id, folders in list(self.waiting.items()):
            with self._platform.unit_of_work() as uow:
                is_asked = scan_changed(uow, pool_id, encode_path(os.fsencode(common_folder(folders))), attempts)
                uow.commit()
            if is_asked:
                del self.waiting[pool_id]


def changed_folders(roots: Roots, paths: Iterable[str]) -> dict[UUID, set[str]]:
    """Tell in which folders of which pools something has changed, relative to their roots."""
    found: dict[UUID, set[str]] = defaultdict(set)
    for path in paths:
        for pool_id, root in roots.items():
            if path.startswith(root.rstrip("/") + "/"):
                found[pool_id].add(os.path.relpath(path, root).rpartition("/")[0])
    return found


def common_folder(folders: Iterable[str]) -> str:
    """Give the folder that all of these lie in, which may be one of them; empty for the root."""
    return os.path.commonpath([f"/{folder}" for folder in folders]).strip("/")
