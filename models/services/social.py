"""How people have reacted, summed up: votes, stars, and a count of each type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

UP_VOTES = frozenset({"THUMBSUP", "PLUS_ONE", "LIKE"})
DOWN_VOTES = frozenset({"THUMBSDOWN", "MINUS_ONE", "DISLIKE"})
RATING = "RATING"


def summarize(reactions: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Sum up reactions, given as type, count and mean rating of each type, as the API shows them."""
    counts = {kind: count for kind, count, _ in reactions}
    stars = next((mean for kind, _, mean in reactions if kind == RATING and mean is not None), None)
    rating: dict[str, Any] = {
        "upVotes": sum(count for kind, count in counts.items() if kind.upper() in UP_VOTES),
        "downVotes": sum(count for kind, count in counts.items() if kind.upper() in DOWN_VOTES),
    }
    if stars is not None:
        rating["stars"] = stars
    return {"rating": rating, "reactions": counts}
