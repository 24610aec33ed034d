"""Reactions to assets, comments and annotations. One of each type for each user and target; repeating changes it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert

from models.entities import Reaction
from models.errors import Conflict
from models.ids import new_id
from models.permissions import Actor, Entity, Permission, Verb
from models.services.annotations import ANNOTATIONS
from models.services.asset_access import require_on_asset
from models.services.assets import ASSETS
from models.services.comments import COMMENTS
from models.services.crud import Resource, Values
from models.services.visibility import Scope
from models.unit_of_work import UnitOfWork

REACTIONS = Resource(Reaction, "reaction", Entity.REACTION, Scope.OF_ASSET)


@dataclass(frozen=True)
class Target:
    """What is reacted to: the columns that say so."""

    asset_id: UUID | None = None
    comment_id: UUID | None = None
    annotation_id: UUID | None = None

    def condition(self) -> ColumnElement[bool]:
        """Tell which reactions are to it."""
        if self.comment_id is not None:
            return Reaction.comment_id == self.comment_id
        if self.annotation_id is not None:
            return Reaction.annotation_id == self.annotation_id
        return (
            (Reaction.asset_id == self.asset_id) & Reaction.comment_id.is_(None) & Reaction.annotation_id.is_(None)
        )  # fmt: skip


def asset_target(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Target:
    """Give an asset that the actor sees, to react to."""
    ASSETS.get(uow, actor, asset_id)
    return Target(asset_id=asset_id)


def comment_target(uow: UnitOfWork, actor: Actor, comment_id: UUID) -> Target:
    """Give a comment that the actor sees, to react to."""
    return Target(asset_id=COMMENTS.get(uow, actor, comment_id).asset_id, comment_id=comment_id)


def annotation_target(uow: UnitOfWork, actor: Actor, annotation_id: UUID) -> Target:
    """Give an annotation that the actor sees, to react to."""
    return Target(asset_id=ANNOTATIONS.get(uow, actor, annotation_id).asset_id, annotation_id=annotation_id)


def react(uow: UnitOfWork, actor: Actor, target: Target, values: Values) -> tuple[Reaction, bool]:
    """React; gives the reaction, and whether it is new. One of the type that is there takes over the rating."""
    if target.asset_id is None:
        actor.require(Permission.CREATE_REACTION)
    else:
        require_on_asset(uow, actor, target.asset_id, Permission.CREATE_REACTION)
    place = {"creator_id": actor.user_id, "type": values["type"], **vars(target)}
    made = uow.session.execute(
        insert(Reaction)
        .values(id=new_id(), space_id=actor.space_id, editor_id=actor.user_id, **{**values, **place})
        .on_conflict_do_nothing(constraint="uq_reaction_target").returning(Reaction.id)
    ).scalar_one_or_none()  # fmt: skip
    query = select(Reaction).filter_by(**place).with_for_update().execution_options(populate_existing=True)
    reaction = uow.session.execute(query).scalar_one_or_none()
    if reaction is None:
        raise Conflict("The reaction was removed at the same time")
    if made is None:
        REACTIONS.update(uow, actor, reaction, {name: values[name] for name in ("rating", "meta") if name in values})
    else:
        REACTIONS.publish(uow, actor, REACTIONS.created, reaction)
    return reaction, made is not None


def get_reaction(
    uow: UnitOfWork, actor: Actor, target: Target, reaction_id: UUID, verb: Verb = Verb.READ
) -> Reaction:  # fmt: skip
    """Give a reaction to a target; locked, unless to read it.

    Raises:
        NotFound: when there is none that the actor sees.
        Forbidden: when it is somebody else's and they may only read it.
    """
    reaction = get_own(uow, actor, reaction_id, verb)
    if any(getattr(reaction, name) != value for name, value in vars(target).items()):
        raise REACTIONS.missing(reaction_id)
    return reaction


def get_own(uow: UnitOfWork, actor: Actor, reaction_id: UUID, verb: Verb = Verb.READ) -> Reaction:
    """Give a reaction, to change or remove it if it is the actor's own or they may do so to all. Raises as above."""
    reaction = REACTIONS.get(uow, actor, reaction_id, lock=verb is not Verb.READ)
    is_own = reaction.creator_id == actor.user_id and actor.may_somewhere(Permission.CREATE_REACTION)
    if verb is not Verb.READ and not is_own:
        REACTIONS.require(uow, actor, reaction_id, verb)
    return reaction


def update_reaction(uow: UnitOfWork, actor: Actor, reaction: Reaction, values: Values) -> None:
    """Change a reaction. Another type that the user has reacted in already is a conflict."""
    REACTIONS.update(uow, actor, reaction, values)
