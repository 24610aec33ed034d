"""Reading no faster than somebody allows."""

from __future__ import annotations

import time
from collections.abc import Callable

_LONGEST_NAP_SECONDS = 0.2


class Pace:
    """Keeps to so many bytes a second; None: as fast as can be. `check` is called while it waits, and may raise."""

    def __init__(self, bytes_per_second: int | None, check: Callable[[], None]) -> None:
        self._rate = bytes_per_second
        self._check = check
        self._begun = time.monotonic()

    def keep(self, bytes_read: int) -> None:
        """Wait until so many bytes may have been read."""
        self._check()
        if self._rate is None:
            return
        due = self._begun + bytes_read / self._rate
        while (left := due - time.monotonic()) > 0:
            time.sleep(min(left, _LONGEST_NAP_SECONDS))
            self._check()
