"""How people have reacted, summed up: votes, stars, and a count of each type; for a whole page by one query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Float, Select, cast, func, select

from models.entities import Reaction
from models.permissions import Actor, Entity, Permission
from models.services.visibility import Scope, readable
from models.unit_of_work import UnitOfWork

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


def social_of(
    uow: UnitOfWork, actor: Actor, target: Literal["comment_id", "annotation_id"], ids: Sequence[UUID]
) -> dict[UUID, dict[str, Any]]:
    """Sum up the reactions to comments or annotations that the actor sees; nothing to who may not read reactions."""
    if not ids or not actor.may_somewhere(Permission.READ_REACTION):
        return {}
    found: dict[UUID, list[Any]] = defaultdict(list)
    for key, *rest in uow.session.execute(_counts(actor, getattr(Reaction, target), ids)):
        found[key].append(rest)
    return {key: summarize(found.get(key, ())) for key in ids}


def _counts(actor: Actor, column: Any, ids: Sequence[UUID]) -> Select[Any]:
    stars = cast(func.avg(Reaction.rating), Float)
    query = select(column, Reaction.type, func.count(), stars).group_by(column, Reaction.type)
    return query.where(column.in_(ids), readable(Reaction, Scope.OF_ASSET, Entity.REACTION, actor))
