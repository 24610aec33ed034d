"""How long calls take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence


def percentiles(calls: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Give the median and the 99th percentile, in seconds."""
    taken = sorted(seconds(call) for call in calls)
    return taken[len(taken) // 2], taken[len(taken) * 99 // 100]


def seconds(call: Callable[[], object]) -> float:
    """Give how long a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
