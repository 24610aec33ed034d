"""Several rankings made one: reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

_DAMPING = 60
"""As in the paper: what is first in one ranking alone does not beat what is near the top of both."""


def fuse(*rankings: Sequence[UUID]) -> list[tuple[UUID, float]]:
    """Give everything that is in a ranking, with its score, the best first."""
    scores: dict[UUID, float] = defaultdict(float)
    for ranking in rankings:
        for place, key in enumerate(dict.fromkeys(ranking), 1):
            scores[key] += 1 / (_DAMPING + place)
    return sorted(scores.items(), key=lambda each: (-each[1], each[0]))
