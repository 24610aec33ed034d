"""Runs that nobody asked for: pipelines follow the log of events, and are run on assets that have just got bytes.

Of the pipelines of a space that are for an asset, the one with the highest priority takes it. Where the log was read to
is written together with the runs, so each asset is taken once, whatever dies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from models.entities import Asset, Pipeline
from models.errors import LoomError
from models.events import ASSET_CREATED, ASSET_UPLOADED
from models.logs import get_logger
from models.messages import RUN_PIPELINE, Priority, Queue
from models.payloads import RunPipeline
from models.pipelines.triggers import Trigger
from models.services import tasks
from models.services.credentials import actor_of_task
from models.services.event_log import Position, reach, reader_position, store_position
from models.services.graphs import graph_of_version
from models.services.processors import queue_of
from models.services.visibility import in_libraries
from models.unit_of_work import UnitOfWork

READER = "auto-runs"
_EVENTS = 5_000
_RUN_ASSETS = 5_000
_ARRIVED = (ASSET_CREATED, ASSET_UPLOADED)

logger = get_logger(__name__)

_NEW_ASSETS = """
    SELECT DISTINCT a.id, a.space_id, a.mime_type,
           ARRAY(SELECT DISTINCT pool_id FROM location WHERE asset_id = a.id AND state = 'PRESENT')
    FROM event JOIN asset a ON a.id = event.subject_id
    WHERE (event.xid, event.id) > (CAST(CAST(%(xid)s AS text) AS xid8), %(id)s)
      AND (event.xid, event.id) <= (CAST(CAST(%(last_xid)s AS text) AS xid8), %(last_id)s)
      AND event.type = ANY(%(types)s)
      AND (a.blob_sha512 IS NOT NULL
           OR EXISTS (SELECT 1 FROM location WHERE asset_id = a.id AND state = 'PRESENT'))
    ORDER BY a.id
"""


class _Arrived(NamedTuple):
    asset_id: UUID
    space_id: UUID
    mime_type: str
    pools: list[UUID]


class _Offer(NamedTuple):
    pipeline: Pipeline
    trigger: Trigger


def follow(uow: UnitOfWork, max_attempts: int) -> bool:
    """Ask for the runs that the next events call for; True when there may be more events at once."""
    position = reader_position(uow, READER)
    last = reach(uow, position, _EVENTS)
    if last == position:
        return False
    offers = _offers(uow)
    if offers:
        _take(uow, offers, _arrived(uow, position, last), max_attempts)
    store_position(uow, READER, last)
    return True


def _offers(uow: UnitOfWork) -> dict[UUID, list[_Offer]]:
    """Give the pipelines that run by themselves, by space, those that go first first."""
    query = select(Pipeline).where(Pipeline.enabled, Pipeline.trigger["auto"].as_boolean())
    found: dict[UUID, list[_Offer]] = defaultdict(list)
    for pipeline in uow.session.execute(query.order_by(Pipeline.priority.desc(), Pipeline.id)).scalars():
        found[pipeline.space_id].append(_Offer(pipeline, Trigger.model_validate(pipeline.trigger)))
    return found


def _arrived(uow: UnitOfWork, after: Position, last: Position) -> list[_Arrived]:
    rows = uow.fetch(
        _NEW_ASSETS, xid=after.xid, id=after.id, last_xid=last.xid, last_id=last.id, types=list(_ARRIVED)
    )  # fmt: skip
    return [_Arrived(*row) for row in rows]


def _take(
    uow: UnitOfWork, offers: dict[UUID, list[_Offer]], arrived: Sequence[_Arrived], max_attempts: int
) -> None:  # fmt: skip
    libraries = _libraries_of(uow, [each.asset_id for each in arrived], offers)
    taken: dict[UUID, list[UUID]] = defaultdict(list)
    by_id: dict[UUID, _Offer] = {}
    for each in arrived:
        for offer in offers.get(each.space_id, ()):
            if offer.trigger.is_for(each.mime_type, each.pools, libraries.get(each.asset_id, ())):
                taken[offer.pipeline.id].append(each.asset_id)
                by_id[offer.pipeline.id] = offer
                break
    for pipeline_id, asset_ids in taken.items():
        for at in range(0, len(asset_ids), _RUN_ASSETS):
            _run(uow, by_id[pipeline_id].pipeline, asset_ids[at : at + _RUN_ASSETS], max_attempts)


def _libraries_of(
    uow: UnitOfWork, asset_ids: Sequence[UUID], offers: dict[UUID, list[_Offer]]
) -> dict[UUID, list[UUID]]:  # fmt: skip
    """Give for each asset those of the libraries that any pipeline asks for."""
    asked = {each for several in offers.values() for offer in several for each in offer.trigger.library_uuids}
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for library_id in sorted(asked):
        query = select(Asset.id).where(Asset.id.in_(asset_ids), in_libraries(Asset.id, frozenset({library_id})))
        for asset_id in uow.session.execute(query).scalars():
            found[asset_id].append(library_id)
    return found


def _run(uow: UnitOfWork, pipeline: Pipeline, asset_ids: Sequence[UUID], max_attempts: int) -> None:
    """Ask for a run in the name of who made the pipeline what it is; if they do not count any more, it rests."""
    try:
        actor = actor_of_task(uow, pipeline.space_id, pipeline.editor_id, None)
    except LoomError as error:
        logger.warning("a pipeline rests: who changed it last is gone", pipeline=str(pipeline.id), reason=error.code)
        return
    queue = _queue_of(uow, pipeline)
    payload = RunPipeline(
        pipeline_uuid=pipeline.id, version=pipeline.version_number, uuids=tuple(asset_ids), dry_run=pipeline.dry_run,
        queue=queue, pipeline_name=pipeline.name,
    )  # fmt: skip
    tasks.submit(
        uow, RUN_PIPELINE, payload, space_id=pipeline.space_id, title=f"Run {pipeline.name}", actor=actor,
        max_attempts=max_attempts, priority=Priority.LOW, subject_id=pipeline.id,
    )  # fmt: skip


def _queue_of(uow: UnitOfWork, pipeline: Pipeline) -> str:
    """Where its parts wait; of a graph that cannot run, a run that says so."""
    graph = graph_of_version(uow, pipeline.id, pipeline.version_number)
    return queue_of(graph) if graph else str(Queue.MEDIA)


def scheduled_payload(uow: UnitOfWork, pipeline_id: UUID) -> tuple[RunPipeline, Pipeline]:
    """Give what a pipeline runs on when its time has come: all that it is for."""
    pipeline = uow.session.get_one(Pipeline, pipeline_id)
    trigger = Trigger.model_validate(pipeline.trigger or {})
    payload = RunPipeline(
        pipeline_uuid=pipeline.id, version=pipeline.version_number, dry_run=pipeline.dry_run, is_for_all=True,
        queue=_queue_of(uow, pipeline), pipeline_name=pipeline.name,
        mime_types=trigger.mime_types, pool_uuids=trigger.pool_uuids, library_uuids=trigger.library_uuids,
    )  # fmt: skip
    return payload, pipeline
