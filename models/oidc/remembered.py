"""What is fetched from afar and kept for a while."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from models.errors import Unavailable

KEPT_SECONDS = 3600.0
_FAILURE_SECONDS = 5.0
"""After a failure, nobody asks again for so long: those who wait together must not wait one after the other."""

T = TypeVar("T")


class Remembered(Generic[T]):
    """A value that is fetched when somebody needs it and it is not there, or too old; by one at a time."""

    def __init__(self, fetch: Callable[[], T]) -> None:
        self._fetch = fetch
        self._lock = Lock()
        self._value: T | None = None
        self._good_until = 0.0
        self._failure: Unavailable | None = None
        self._failed_until = 0.0

    def get(self) -> T:
        """Give the value.

        Raises:
            Unavailable: when it cannot be fetched, or could not just now.
        """
        with self._lock:
            if self._value is not None and monotonic() < self._good_until:
                return self._value
            return self._renew()

    def get_newer(self, seen: T) -> T:
        """Give a value that was fetched after the one that is known not to do any more. Raises as `get` does."""
        with self._lock:
            if self._value is not None and self._value is not seen:
                return self._value
            return self._renew()

    def _renew(self) -> T:
        if self._failure is not None and monotonic() < self._failed_until:
            raise Unavailable(self._failure.message, code=self._failure.code)
        try:
            self._value = self._fetch()
        except Unavailable as failure:
            self._failure, self._failed_until = failure, monotonic() + _FAILURE_SECONDS
            raise
        self._failure, self._good_until = None, monotonic() + KEPT_SECONDS
        return self._value
