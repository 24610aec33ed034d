"""Waiting in tests: poll with a deadline, never a fixed sleep."""

import time
from collections.abc import Callable

_POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], object], timeout_seconds: float = 20) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {timeout_seconds:g} s"
        time.sleep(_POLL_SECONDS)
