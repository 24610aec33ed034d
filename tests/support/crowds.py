"""Many clients at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def crowd(act: Callable[[int], int], clients: int = 50) -> Counter[int]:
    """Let so many clients act at once, each with its number; counts the statuses that they were answered."""
    with ThreadPoolExecutor(clients) as pool:
        return Counter(pool.map(act, range(clients)))
