"""Waiting in tests: poll with a deadline, never a fixed sleep."""

import time
from collections.abc import Callable

_POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], object], timeout_seconds: float = 20) -> None:
    """Wait until the condition holds."""
    seconds_until(condition, timeout_seconds)


def seconds_until(condition: Callable[[], object], timeout_seconds: float = 20) -> float:
    """Wait until the condition holds; gives how long that took. Promises of time are kept by the median of several."""
    start = time.monotonic()
    deadline = start + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {timeout_seconds:g} s"
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - start
