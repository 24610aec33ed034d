"""Comments: about an asset, an annotation, in answer to another comment, or about nothing in particular.

A comment carries the asset that it is about in the end, which decides who may read it. With a comment go its answers.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from models.entities import Comment
from models.errors import InvalidInput
from models.permissions import Actor, Entity
from models.services.annotations import ANNOTATIONS
from models.services.crud import Resource, Values
from models.services.visibility import Scope
from models.unit_of_work import UnitOfWork

COMMENTS = Resource(Comment, "comment", Entity.COMMENT, Scope.OF_ASSET)
_PLACE = ("asset_id", "annotation_id")


def create_comment(uow: UnitOfWork, actor: Actor, values: Values) -> Comment:
    """Make a comment.

    Raises:
        InvalidInput: when the annotation or the comment that it answers is about something else.
        NotFound: when the actor sees no such asset.
        Forbidden: when they may not comment on it.
    """
    place = dict.fromkeys(_PLACE) | {name: values[name] for name in _PLACE if values.get(name)}
    if place["annotation_id"]:
        annotation = ANNOTATIONS.refer(uow, actor, place["annotation_id"], "annotationUuid")
        place = _agreeing(place, {"asset_id": annotation.asset_id}, "annotationUuid")
    if values.get("parent_id"):
        parent = COMMENTS.refer(uow, actor, values["parent_id"], "parentUuid")
        place = _agreeing(place, {name: getattr(parent, name) for name in _PLACE}, "parentUuid")
    return COMMENTS.create(uow, actor, {**values, **place})


def _agreeing(place: dict[str, UUID | None], other: dict[str, Any], field: str) -> dict[str, UUID | None]:
    """Take over what is not said; what is said must be the same."""
    for name, value in other.items():
        if place[name] is not None and place[name] != value:
            raise InvalidInput(f"{field}: is about something else", code="validation")
    return {**place, **other}
