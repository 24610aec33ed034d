"""`assets.bulk-create` and `assets.bulk-update`: a staged list of items, in batches.

The plan finds out where the items are, and parts read theirs from the staged bytes. A JSON body is one document, so its
parts are held until it has proven whole; lines of NDJSON stand for themselves. JSON that is spelt in ways that the
splitter does not follow is read item by item, and its parts hold their items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError

from models.bodies.asset_requests import changed_columns, extras_of, new_columns
from models.bodies.bulk import BulkCreateItemSchema, BulkUpdateItemSchema
from models.bodies.plain_items import Plain, plain_change, plain_creation
from models.bodies.problems import describe_problems
from models.errors import LoomError
from models.messages import BULK_CREATE, BULK_UPDATE
from models.payloads import BulkAssets
from models.services.asset_extras import Extras
from models.services.bulk_answers import asked_by, bulk_result
from models.services.bulk_assets import DUPLICATE, Results, WantedAsset, create_many, update_many
from models.services.credentials import actor_of_task
from models.services.task_items import ItemOutcome, has_failed_items
from models.services.task_parts import NewPart, Outcome
from models.unit_of_work import UnitOfWork
from workers.handlers.staged import drop_staged, staged_bytes, staged_span
from workers.handling import Planned, Step
from workers.processing.item_lists import LARGEST_ITEM, Item, iter_members
from workers.processing.item_spans import Span, Unusual, items_of, split_lines, split_members

Json = dict[str, Any]
_PART_ITEMS = 1000
_PLAN_PARTS = 4
_LONGEST_SUBJECT = 128


class Batch(NamedTuple):
    """The items of a part: those that are well formed, and the outcomes of the others."""

    items: list[Json]
    wanted: list[WantedAsset]
    problems: dict[int, tuple[str, str]]


class _BulkHandler:
    """What both have in common."""

    schema: Schema
    plain: Callable[[Json], Plain | None]
    """Reads an item that says nothing out of the ordinary; None: the schema must."""

    def plan(self, step: Step[BulkAssets]) -> Iterator[Planned]:
        """Yield the items in parts, behind those that an interrupted plan has come to."""
        is_json, index = _is_json(step), (step.cursor or {}).get("index", 0)
        try:
            with staged_bytes(step) as reader:
                for planned in _plan_spans(
                    split_members(reader) if is_json else split_lines(reader), index, is_json=is_json
                ):
                    index = planned.cursor["index"]
                    yield planned
        except Unusual:
            with staged_bytes(step) as reader:
                yield from _Pieces(index).cut(islice(iter_members(reader), index, None))

    def compute(self, step: Step[BulkAssets], items: list[Json]) -> Batch:
        """Look at the items as single requests are looked at."""
        batch = Batch([], [], {})
        for index, item in _read_items(step, items):
            step.check()
            batch.items.append({"index": index, "data": item.value})
            try:
                if item.problem is not None:
                    batch.problems[index] = item.problem
                else:
                    batch.wanted.append(self._read(index, item.value))
            except ValidationError as error:
                batch.problems[index] = ("validation", describe_problems({"": error.messages}))
            except LoomError as error:
                batch.problems[index] = (error.code, error.message)
        return batch

    def apply(self, uow: UnitOfWork, step: Step[BulkAssets], batch: Batch) -> Outcome:
        """Do what the items want, by the rights that whoever asked has now."""
        actor = actor_of_task(uow, step.space_id, *asked_by(uow, step.task_id))
        results = self.act(uow, actor, batch.wanted)
        results.problems.update(batch.problems)
        return _outcome(batch.items, results)

    def finish(self, uow: UnitOfWork, step: Step[BulkAssets]) -> dict[str, Any]:
        """Count what became of the items; the list is not needed any more, unless some of it can be tried again."""
        if not has_failed_items(uow, step.task_id, "offset"):
            drop_staged(uow, step)
        return bulk_result(uow, step.task_id)

    def _read(self, index: int, data: dict[str, Any]) -> WantedAsset:
        plain = self.plain(data)
        if plain is None:
            return self.read(index, self.schema.load(data))
        columns, tags = plain
        return WantedAsset(index, columns, Extras(tags)) if tags else WantedAsset(index, columns)

    def read(self, index: int, values: dict[str, Any]) -> WantedAsset:
        """Turn an item into what is wanted."""
        raise NotImplementedError

    def act(self, uow: UnitOfWork, actor: Any, wanted: Sequence[WantedAsset]) -> Results:
        """Do it."""
        raise NotImplementedError


class BulkCreateHandler(_BulkHandler):
    """Makes assets that await their bytes."""

    kind = BULK_CREATE
    schema = BulkCreateItemSchema()
    plain = staticmethod(plain_creation)

    def read(self, index: int, values: dict[str, Any]) -> WantedAsset:
        """Turn the body of a creation into what is wanted."""
        return WantedAsset(index, new_columns(values), extras_of(values), values.get("libraries") or ())

    def act(self, uow: UnitOfWork, actor: Any, wanted: Sequence[WantedAsset]) -> Results:
        """Make them."""
        return create_many(uow, actor, wanted)


class BulkUpdateHandler(_BulkHandler):
    """Changes assets, found by their SHA-512."""

    kind = BULK_UPDATE
    schema = BulkUpdateItemSchema()
    plain = staticmethod(plain_change)

    def read(self, index: int, values: dict[str, Any]) -> WantedAsset:
        """Turn the body of a change into what is wanted. The other hashes are data like any."""
        hashes = {**(values["update"].get("hashes") or {}), **values["hashes"]}
        columns = changed_columns({**values["update"], "hashes": hashes})
        return WantedAsset(index, columns, extras_of(values["update"]))

    def act(self, uow: UnitOfWork, actor: Any, wanted: Sequence[WantedAsset]) -> Results:
        """Change them."""
        return update_many(uow, actor, wanted)


def _is_json(step: Step[BulkAssets]) -> bool:
    return step.payload.format == "json"


def _plan_spans(spans: Iterator[Span], index: int, *, is_json: bool) -> Iterator[Planned]:
    """Make a part of each span that does not lie before an index, with their places as items."""
    parts: list[NewPart] = []
    end = 0
    for span in spans:
        if end >= index:
            parts.append(NewPart([{"index": end, "count": span.items, "offset": span.offset, "length": span.size}]))
        end += span.items
        if len(parts) == _PLAN_PARTS:
            yield Planned(parts, Outcome(), {"index": end}, is_held=is_json)
            parts = []
    yield Planned(parts, Outcome(), {"index": max(end, index)}, is_held=is_json)


def _read_items(step: Step[BulkAssets], items: Sequence[Json]) -> Iterator[tuple[int, Item]]:
    """Yield what a part is to look at, with the indexes: what it holds, or what lies where it says."""
    for item in items:
        if "data" in item:
            yield item["index"], Item(item["data"], None, 0)
            continue
        found = items_of(staged_span(step, item["offset"], item["length"]), is_json=_is_json(step))
        if "count" in item:
            yield from enumerate(found, item["index"])
        else:
            yield item["index"], found[item["index"] - item["first"]]


class _Pieces:
    """Cuts items into parts, and parts into pieces of a plan."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._begin()

    def cut(self, items: Iterator[Item]) -> Iterator[Planned]:
        """Yield the whole plan."""
        for item in items:
            self._add(item)
            self._index += 1
            if len(self._parts) == _PLAN_PARTS or self._outcome.failed == _PART_ITEMS:
                yield self._end()
        yield self._end()

    def _begin(self) -> None:
        self._parts: list[NewPart] = []
        self._items: list[Json] = []
        self._size = 0
        self._outcome = Outcome()

    def _add(self, item: Item) -> None:
        if item.problem is not None:
            self._outcome.items = [*self._outcome.items, ItemOutcome(self._index, "", "FAILED", *item.problem)]
            self._outcome.failed += 1
            return
        self._items.append({"index": self._index, "data": item.value})
        self._size += item.size
        if len(self._items) == _PART_ITEMS or self._size > LARGEST_ITEM:
            self._end_part()

    def _end_part(self) -> None:
        if self._items:
            self._parts.append(NewPart(self._items))
        self._items, self._size = [], 0

    def _end(self) -> Planned:
        self._end_part()
        planned = Planned(self._parts, self._outcome, {"index": self._index}, is_held=True)
        self._begin()
        return planned


def _outcome(items: Sequence[dict[str, Any]], results: Results) -> Outcome:
    outcome = Outcome(items=[_item(item, results) for item in items])
    outcome.done, outcome.skipped, outcome.failed = (
        len(part) for part in (results.done, results.existing, results.problems)
    )
    return outcome


def _item(item: Json, results: Results) -> ItemOutcome:
    index, data = item["index"], item["data"]
    if not isinstance(data, dict):
        return ItemOutcome(index, "", "FAILED", *results.problems[index])
    subject, reference = _subject(data), data.get("clientRef")
    kept = {"clientRef": reference} if isinstance(reference, str) else None
    if index in results.done:
        return ItemOutcome(index, subject, "DONE", asset_id=results.done[index], input=kept)
    if index in results.existing:
        message = "There is an asset of this content already"
        return ItemOutcome(index, subject, "SKIPPED", DUPLICATE, message, results.existing[index], kept)
    return ItemOutcome(index, subject, "FAILED", *results.problems[index], input=item)


def _subject(data: Json) -> str:
    """Say which item it is in the caller's own words: the hash, well formed or not."""
    hashes = data.get("hashes")
    return str((hashes.get("sha512") if isinstance(hashes, dict) else None) or data.get("sha512") or "")[
        :_LONGEST_SUBJECT
    ]
