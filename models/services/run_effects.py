"""Doing what nodes want done to the catalogue, in the transaction that writes what else their part has found out.

Each is done by the service, and with the rights, of a person's request. What is refused is the failure of that node for
that asset alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.entities import AssetTag, Collection, Library
from models.errors import LoomError, NotFound
from models.permissions import Actor, Permission
from models.pipelines.effects import AssignEffect, Effect, EmbeddingEffect, RelocateEffect, TagEffect
from models.services import collections, libraries
from models.services.asset_access import require_on_asset
from models.services.embeddings import as_float32, put_embeddings
from models.services.relocating import relocate
from models.services.tagging import Producer, apply_tags
from models.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Wanted:
    """An effect: of which node, for which asset. `place` is where in the part the node's outcome is."""

    place: tuple[int, int]
    asset_id: UUID
    kind: str
    node_id: str
    version: str
    effect: Effect


def do_effects(uow: UnitOfWork, actor: Actor, wanted: Sequence[Wanted]) -> dict[tuple[int, int], str]:
    """Do them; gives why not, of those that could not be done."""
    problems: dict[tuple[int, int], str] = {}
    assigned: dict[tuple[str, UUID | None, str | None, bool], list[Wanted]] = defaultdict(list)
    for each in wanted:
        if isinstance(each.effect, AssignEffect):
            effect = each.effect
            assigned[effect.target, effect.id, effect.name, effect.is_made].append(each)
    for several in assigned.values():
        _try(uow, problems, several, partial(_assign, uow, actor, several))
    for each in sorted(wanted, key=lambda each: each.asset_id):
        if isinstance(each.effect, TagEffect):
            _try(uow, problems, [each], partial(_tag, uow, actor, each, each.effect))
        elif isinstance(each.effect, EmbeddingEffect):
            _try(uow, problems, [each], partial(_embed, uow, actor, each, each.effect))
        elif isinstance(each.effect, RelocateEffect):
            _try(uow, problems, [each], partial(relocate, uow, actor, each.asset_id, each.effect))
    return problems


def _try(
    uow: UnitOfWork, problems: dict[tuple[int, int], str], several: Sequence[Wanted], do: Callable[[], None]
) -> None:  # fmt: skip
    try:
        with uow.savepoint():
            do()
    except LoomError as error:
        problems.update((each.place, error.message) for each in several)


def _assign(uow: UnitOfWork, actor: Actor, several: Sequence[Wanted]) -> None:
    """Put assets that go to the same place there."""
    effect = several[0].effect
    assert isinstance(effect, AssignEffect)
    target = effect.id or _named(uow, actor, effect)
    asset_ids = sorted({each.asset_id for each in several})
    service = collections if effect.target == "COLLECTION" else libraries
    service.add_assets(uow, actor, target, asset_ids)


def _named(uow: UnitOfWork, actor: Actor, effect: AssignEffect) -> UUID:
    """Find what has the name, the oldest of several; make it if there is none and it is to be made."""
    model: Any = Collection if effect.target == "COLLECTION" else Library
    if effect.is_made:
        uow.lock(f"assign to {effect.target} {actor.space_id} {effect.name}")  # two parts make one
    query = select(model.id).where(model.space_id == actor.space_id, model.name == effect.name).order_by(model.id)
    found: UUID | None = uow.session.execute(query.limit(1)).scalar_one_or_none()
    if found is not None:
        return found
    if not effect.is_made:
        raise NotFound(f"There is no {effect.target.lower()} of the name '{effect.name}'")
    if effect.target == "COLLECTION":
        return collections.create_collection(uow, actor, {"name": effect.name}).id
    return libraries.create_library(uow, actor, {"name": effect.name}).id


def _embed(uow: UnitOfWork, actor: Actor, wanted: Wanted, effect: EmbeddingEffect) -> None:
    require_on_asset(uow, actor, wanted.asset_id, Permission.UPDATE_ASSET)
    told = {"node_kind": wanted.kind, "producer_version": wanted.version, "source": "pipeline"}
    given = [{**told, **each, "vector": as_float32(each["vector"])} for each in effect.embeddings]
    put_embeddings(uow, actor, wanted.asset_id, given)


def _tag(uow: UnitOfWork, actor: Actor, wanted: Wanted, effect: TagEffect) -> None:
    """Put tags on in the node's name; take off those of it that it does not give any more."""
    producer = Producer(wanted.kind, wanted.node_id, wanted.version)
    applied = apply_tags(uow, actor, wanted.asset_id, effect.wanted, (), producer)
    if effect.withdraws:
        kept = {tag.id for tag in applied.tags}
        own = select(AssetTag.tag_id).where(
            AssetTag.asset_id == wanted.asset_id, AssetTag.node_kind == wanted.kind, AssetTag.node_id == wanted.node_id
        )
        gone = [tag_id for tag_id in uow.session.execute(own).scalars() if tag_id not in kept]
        if gone:
            apply_tags(uow, actor, wanted.asset_id, (), gone, producer)
