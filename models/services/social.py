"""How people have reacted, summed up: votes, stars, and a count of each type; for a whole page by one query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Double, Select, cast, func, select

from models.entities import Annotation, Comment, Reaction
from models.permissions import Actor, Permission
from models.services.visibility import Scope, covered
from models.unit_of_work import UnitOfWork

UP_VOTES = frozenset({"THUMBSUP", "PLUS_ONE", "LIKE"})
DOWN_VOTES = frozenset({"THUMBSDOWN", "MINUS_ONE", "DISLIKE"})
RATING = "RATING"


def summarize(reactions: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Sum up reactions, given as type, count and mean rating of each type, as the API shows them."""
    counts = {kind: count for kind, count, _ in sorted(reactions, key=itemgetter(0))}
    stars = next((mean for kind, _, mean in reactions if kind == RATING and mean is not None), None)
    rating: dict[str, Any] = {
        "upVotes": sum(count for kind, count in counts.items() if kind.upper() in UP_VOTES),
        "downVotes": sum(count for kind, count in counts.items() if kind.upper() in DOWN_VOTES),
    }
    if stars is not None:
        rating["stars"] = stars
    return {"rating": rating, "reactions": counts}


def social_of(
    uow: UnitOfWork, actor: Actor, target: type[Comment | Annotation], ids: Sequence[UUID]
) -> dict[UUID, dict[str, Any]]:
    """Sum up the reactions to comments or annotations that the actor sees, but for those that they may not read."""
    if not ids or not actor.may_somewhere(Permission.READ_REACTION):
        return {}
    found: dict[UUID, list[Any]] = defaultdict(list)
    for key, kind, count, stars in uow.session.execute(_counts(actor, target, ids)):
        found[key] += [(kind, count, stars)] if count else []
    return {key: summarize(counts) for key, counts in found.items()}


def _counts(actor: Actor, target: type[Comment | Annotation], ids: Sequence[UUID]) -> Select[Any]:
    """Count by element and type; a row without a type stands for an element that nobody has reacted to."""
    key: Any = Reaction.comment_id if target is Comment else Reaction.annotation_id
    stars = cast(func.avg(Reaction.rating), Double)
    return (
        select(target.id, Reaction.type, func.count(Reaction.id), stars).outerjoin(Reaction, key == target.id)
        .where(target.id.in_(ids), covered(target, Scope.OF_ASSET, actor, Permission.READ_REACTION))
        .group_by(target.id, Reaction.type)
    )  # fmt: skip
