"""`assets.change-chosen`: change, tag or delete all assets that a filter or a list chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from models.bodies.asset_filters import asset_filters, blacklist_conditions
from models.bodies.asset_requests import AssetUpdateSchema, changed_columns, extras_of
from models.bodies.filters import read_filters
from models.bodies.taggings import TaggingsSchema, producer_of, tags_wanted
from models.entities import Asset
from models.messages import CHANGE_CHOSEN
from models.payloads import ChangeChosen
from models.permissions import Actor
from models.services.bulk_answers import asked_by
from models.services.bulk_assets import Results, WantedAsset, update_many
from models.services.chosen_assets import Conditions, choose, count_chosen, delete_chosen, newest_asset, tag_chosen
from models.services.credentials import actor_of_task
from models.services.task_items import ItemOutcome
from models.services.task_parts import NewPart, Outcome
from models.unit_of_work import UnitOfWork
from workers.handling import Planned, Step

Items = list[dict[str, Any]]
_PART_ITEMS = 500
_PLAN_ITEMS = 10_000


class ChangeChosenHandler:
    """The plan finds the assets, by what whoever asked may read; the parts do what they may still do then."""

    kind = CHANGE_CHOSEN

    def plan(self, step: Step[ChangeChosen]) -> Iterator[Planned]:
        """Yield the assets in the order of their ids, from where an interrupted plan has come to."""
        cursor = step.cursor or {"index": 0, "after": None, "until": None}
        while not step.payload.dry_run:
            with step.platform.unit_of_work() as uow:
                actor = _actor(uow, step)
                until = UUID(cursor["until"]) if cursor["until"] else newest_asset(uow, actor)
                after = UUID(cursor["after"]) if cursor["after"] else None
                found = choose(uow, actor, conditions(actor, step.payload), after, until, _PLAN_ITEMS) if until else []
            if not found:
                return
            cursor = {"index": cursor["index"] + len(found), "after": str(found[-1][0]), "until": str(until)}
            first = cursor["index"] - len(found)
            items = [
                {"index": index, "uuid": str(asset_id), "sha512": sha512}
                for index, (asset_id, sha512) in enumerate(found, first)
            ]
            parts = [NewPart(items[at : at + _PART_ITEMS]) for at in range(0, len(items), _PART_ITEMS)]
            yield Planned(parts, Outcome(), cursor)

    def compute(self, step: Step[ChangeChosen], items: Items) -> Items:
        """Nothing is to be computed."""
        return items

    def apply(self, uow: UnitOfWork, step: Step[ChangeChosen], items: Items) -> Outcome:
        """Do it to some of the assets, by the rights that whoever asked has now."""
        results = _act(uow, _actor(uow, step), step.payload, items)
        outcomes = [_outcome(item, results) for item in items]
        return Outcome(done=len(results.done), failed=len(results.problems), items=outcomes)

    def finish(self, uow: UnitOfWork, step: Step[ChangeChosen]) -> dict[str, Any]:
        """Count."""
        if step.payload.dry_run:
            actor = _actor(uow, step)
            return {"chosen": count_chosen(uow, actor, conditions(actor, step.payload)), "dryRun": True}
        row: Any = uow.execute("SELECT done, failed FROM task WHERE id = :id", id=step.task_id).one()
        return {"chosen": row[0] + row[1], "done": row[0], "failed": row[1]}


def conditions(actor: Actor, payload: ChangeChosen) -> Conditions:
    """Give what holds of the assets that are chosen.

    Raises:
        InvalidInput: when a filter is not understood.
    """
    listed = [Asset.id.in_(payload.uuids)] if payload.uuids else []
    chosen = read_filters(payload.filter, asset_filters(actor))
    return [*listed, *chosen, *blacklist_conditions(actor, payload.blacklisted)]


def _actor(uow: UnitOfWork, step: Step[ChangeChosen]) -> Actor:
    return actor_of_task(uow, step.space_id, *asked_by(uow, step.task_id))


def _act(uow: UnitOfWork, actor: Actor, payload: ChangeChosen, items: Items) -> Results:
    ids = [(item["index"], UUID(item["uuid"])) for item in items]
    if payload.action == "delete":
        return delete_chosen(uow, actor, ids)
    if payload.action == "tag":
        values = TaggingsSchema().load(payload.body)
        return tag_chosen(uow, actor, ids, tags_wanted(values), values["withdraw"], producer_of(values))
    return update_many(uow, actor, _wanted(payload, items))


def _wanted(payload: ChangeChosen, items: Items) -> Sequence[WantedAsset]:
    values = AssetUpdateSchema().load(payload.body)
    columns, extras = changed_columns(values), extras_of(values)
    return [WantedAsset(item["index"], {**columns, "sha512": item["sha512"]}, extras) for item in items]


def _outcome(item: dict[str, Any], results: Results) -> ItemOutcome:
    index, asset_id = item["index"], UUID(item["uuid"])
    if index in results.done:
        return ItemOutcome(index, item["sha512"], "DONE", asset_id=asset_id)
    return ItemOutcome(index, item["sha512"], "FAILED", *results.problems[index], input=item)
