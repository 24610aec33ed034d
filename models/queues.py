"""Queues by capability: work that not every worker can do waits where only those look that can."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import combinations

from models.messages import Queue

_WORD = "[a-z0-9][a-z0-9-]*"
CAPABILITY = re.compile(_WORD)
"""How a capability is spelt."""
_ROUTED = re.compile(rf"media\.{_WORD}(\+{_WORD})*")
EVERYWHERE = frozenset({"cpu", "io"})
"""What every worker has."""
_MOST_WORDS = 5


def media_queue(capabilities: Iterable[str]) -> str:
    """Name the queue of work that needs these capabilities: `media`, or `media.gpu` for what not every worker has."""
    words = sorted(set(capabilities) - EVERYWHERE)
    return f"{Queue.MEDIA}.{'+'.join(words)}" if words else str(Queue.MEDIA)


def is_queue(name: str) -> bool:
    """Whether there is a queue of that name: one of `Queue`, or one that `media_queue` can name."""
    return name in set(Queue) or _ROUTED.fullmatch(name) is not None


def queues_served(names: Iterable[str]) -> list[str]:
    """Read the queues of a worker. Who has several capabilities also takes what needs more than one of them.

    Raises:
        ValueError: when one is none.
    """
    found: list[str] = []
    words: set[str] = set()
    for name in names:
        if _ROUTED.fullmatch(name):
            words.update(name.partition(".")[2].split("+"))
        else:
            found.append(str(Queue(name)))
    if len(words) > _MOST_WORDS:
        raise ValueError(f"A worker may have {_MOST_WORDS} capabilities at most")
    sizes = range(1, len(words) + 1)
    return found + [media_queue(some) for size in sizes for some in combinations(sorted(words), size)]
