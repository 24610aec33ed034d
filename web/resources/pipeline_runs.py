"""Runs of pipelines: asked for, watched, stopped; what became of each asset, and what each node did for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from marshmallow import ValidationError, fields, validate, validates_schema

from models.bodies.asset_filters import asset_filters
from models.bodies.fields import AnswerSchema, Flag, RequestSchema, Text
from models.bodies.filters import read_filters
from models.entities import RunItem, Task
from models.errors import InvalidInput
from models.ids import parse_uuid, printable
from models.permissions import Actor, Permission
from models.services import pipeline_runs, tasks
from models.services.assets import require_all_readable
from models.services.counting import Total
from models.services.pools import POOLS
from models.services.run_results import count_by_state, tallies_of
from models.services.task_parts import lock_task
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import PREFIX, LoomBlueprint, describe, query
from web.pagination import PAGE_PARAMETERS, page_schema, raw_envelope, read_cursor, read_limit
from web.run_bodies import NodeTaskSchema, RunItemSchema, RunSchema
from web.state import platform

_MOST_ASSETS, _MOST_TERMS = 10_000, 100
_STATES = ("SUCCESS", "FAILED", "SKIPPED")
_RUNS = "/pipelines/<uuid:element_id>/runs"
_RUN = f"{_RUNS}/<uuid:run_id>"
Values = dict[str, Any]

blueprint = LoomBlueprint("pipeline-runs", "Runs of pipelines")


class RunRequestSchema(RequestSchema):
    """Which assets are to go through: by a list or by a filter, never all of them by mistake."""

    media_uuids = fields.List(
        fields.UUID(), data_key="mediaUuids", validate=validate.Length(max=_MOST_ASSETS), load_default=list
    )
    pool_uuid = fields.UUID(data_key="poolUuid", allow_none=True, metadata={"description": "What lies in this pool"})
    path = Text(
        longest=4096, allow_none=True,
        metadata={"description": "Below this folder of the pool, or this file of it, spelt as locations spell paths"},
    )  # fmt: skip
    path_globs = fields.List(
        Text(shortest=1, longest=4096), data_key="pathGlobs", validate=validate.Length(max=_MOST_TERMS),
        load_default=list,
        metadata={"description": "Whose path in a pool matches one of these; * stands for anything, also for /"},
    )  # fmt: skip
    from_node = Text(
        data_key="fromNode", allow_none=True, longest=64,
        metadata={"description": "This node and all behind it look again, whatever is known"},
    )  # fmt: skip
    outdated = Flag(
        allow_none=True,
        metadata={"description": "Only assets of which an earlier version of a kind of node has found something out"},
    )  # fmt: skip
    filter = fields.List(
        Text(shortest=1, longest=4096),
        validate=validate.Length(max=_MOST_TERMS),
        load_default=list,
        metadata={"description": "Terms key[operator]=value, as lists of assets know them; all must hold"},
    )
    dry_run = Flag(
        data_key="dryRun", allow_none=True,
        metadata={"description": "Write nothing but what became of the items. Else as the pipeline says"},
    )  # fmt: skip

    @validates_schema
    def require_pool(self, values: Values, **_: Any) -> None:
        """A folder is one of a pool."""
        if values.get("path") and not values.get("pool_uuid"):
            raise ValidationError({"path": ["Say in which pool: poolUuid."]})


class StartedSchema(AnswerSchema):
    """A run that was asked for."""

    run_id = fields.UUID(data_key="runUuid")
    dispatched = fields.Boolean()
    message = fields.String()


class RunMessageSchema(AnswerSchema):
    """What was done."""

    message = fields.String()


_RUN_BODY, _ITEM_BODY = RunSchema(), RunItemSchema()


@blueprint.route("/pipelines/<uuid:element_id>/run", methods=["POST"])
@signed_in(Permission.READ_PIPELINE, Permission.CREATE_PIPELINE_RUN)
@blueprint.arguments(RunRequestSchema)
@blueprint.response(202, StartedSchema)
def start_run(uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID) -> Response:
    """Take assets through the newest version of a pipeline."""
    read_filters(values["filter"], asset_filters(actor))  # what is not understood is told now
    require_all_readable(uow, actor, values["media_uuids"], "mediaUuids")
    payload = {"uuids": values["media_uuids"], "filter": values["filter"], "path_globs": values["path_globs"],
               "path": values.get("path") or "", "from_node": values.get("from_node") or "",
               "is_outdated": bool(values.get("outdated"))}  # fmt: skip
    if values.get("pool_uuid"):
        payload["pool_uuids"] = [POOLS.get(uow, actor, values["pool_uuid"]).id]
    if values.get("dry_run") is not None:
        payload["dry_run"] = values["dry_run"]
    attempts = platform().settings.task_max_attempts
    run = pipeline_runs.start_run(uow, actor, platform().bus, element_id, payload, attempts)
    uow.commit()
    answer = jsonify({"runUuid": str(run.id), "dispatched": True, "message": f"'{run.title}' waits for a worker"})
    answer.status_code = 202
    answer.headers["Location"] = f"{PREFIX}/pipelines/{element_id}/runs/{run.id}"
    return answer


@blueprint.route(_RUNS, methods=["GET"])
@describe("List the runs of a pipeline, the newest first", *PAGE_PARAMETERS[:2])
@signed_in(Permission.READ_PIPELINE, Permission.READ_PIPELINE_RUN)
@blueprint.response(200, page_schema(RunSchema))
def list_runs(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Give a page of runs."""
    limit = read_limit()
    runs, total = pipeline_runs.list_runs(uow, actor, element_id, limit, read_cursor())
    counts = count_by_state(uow, [run.id for run in runs])
    bodies = [_RUN_BODY.dump(_run_body(run, counts[run.id])) for run in runs]
    return jsonify(raw_envelope(bodies, total, limit, *(run.id for run in runs[-1:])))


@blueprint.route(_RUN, methods=["GET"])
@signed_in(Permission.READ_PIPELINE, Permission.READ_PIPELINE_RUN)
@blueprint.response(200, RunSchema)
def load_run(uow: UnitOfWork, actor: Actor, element_id: UUID, run_id: UUID) -> Values:
    """Load a run of a pipeline."""
    run = pipeline_runs.get_run(uow, actor, element_id, run_id)
    tallies = [{"node_id": node_id, **vars(tally)} for node_id, tally in tallies_of(uow, run.id).items()]
    return {**_run_body(run, count_by_state(uow, [run.id])[run.id]), "nodes": tallies}


@blueprint.route(f"{_RUN}/cancel", methods=["POST"])
@signed_in(Permission.READ_PIPELINE, Permission.UPDATE_PIPELINE_RUN)
@blueprint.response(200, RunMessageSchema)
def cancel_run(uow: UnitOfWork, actor: Actor, element_id: UUID, run_id: UUID) -> Values:
    """Stop a run: assets that are in the middle of it go through to the end, no others begin."""
    run = pipeline_runs.get_run(uow, actor, element_id, run_id)
    tasks.stop(uow, actor, lock_task(uow, run.id))
    uow.commit()
    return {"message": "The run is being cancelled"}


@blueprint.route(f"{_RUN}/pause", methods=["POST"])
@signed_in(Permission.READ_PIPELINE, Permission.UPDATE_PIPELINE_RUN)
@blueprint.response(200, RunMessageSchema)
def pause_run(uow: UnitOfWork, actor: Actor, element_id: UUID, run_id: UUID) -> Values:
    """Let no further assets of a run begin; those that are in the middle of it go through to the end."""
    run = pipeline_runs.get_run(uow, actor, element_id, run_id)
    pipeline_runs.pause_run(uow, lock_task(uow, run.id))
    uow.commit()
    return {"message": "The run is paused"}


@blueprint.route(f"{_RUN}/resume", methods=["POST"])
@signed_in(Permission.READ_PIPELINE, Permission.UPDATE_PIPELINE_RUN)
@blueprint.response(200, RunMessageSchema)
def resume_run(uow: UnitOfWork, actor: Actor, element_id: UUID, run_id: UUID) -> Values:
    """Let a run that was paused go on."""
    run = pipeline_runs.get_run(uow, actor, element_id, run_id)
    pipeline_runs.resume_run(uow, lock_task(uow, run.id))
    uow.commit()
    return {"message": "The run goes on"}


@blueprint.route(f"{_RUN}/retry", methods=["POST"])
@signed_in(Permission.READ_PIPELINE, Permission.CREATE_PIPELINE_RUN, Permission.UPDATE_PIPELINE_RUN)
@blueprint.response(200, RunMessageSchema)
def retry_run(uow: UnitOfWork, actor: Actor, element_id: UUID, run_id: UUID) -> Values:
    """Take the assets that failed in a run that has ended through the graph again."""
    run = pipeline_runs.get_run(uow, actor, element_id, run_id)
    tasks.retry(uow, actor, run.id, only_failed=True)
    uow.commit()
    return {"message": "What failed is tried again"}


@blueprint.route(f"{_RUN}/items", methods=["GET"])
@describe(
    "List what became of the assets of a run",
    *PAGE_PARAMETERS[:2],
    query("state", "string", "Only those", enum=list(_STATES)),
)
@signed_in(Permission.READ_PIPELINE, Permission.READ_PIPELINE_RUN)
@blueprint.response(200, page_schema(RunItemSchema))
def list_run_items(uow: UnitOfWork, actor: Actor, element_id: UUID, run_id: UUID) -> Response:
    """Give a page of items, in their order."""
    limit, state = read_limit(), _read_state()
    run = pipeline_runs.get_run(uow, actor, element_id, run_id)
    items, total = pipeline_runs.list_run_items(uow, run, state, _index_of(request.args.get("from")), limit)
    bodies = [_ITEM_BODY.dump(_item_body(item)) for item in items]
    return jsonify(raw_envelope(bodies, total, limit, *(_item_id(item.index) for item in items[-1:])))


@blueprint.route(f"{_RUN}/items/<uuid:item_id>/tasks", methods=["GET"])
@signed_in(Permission.READ_PIPELINE, Permission.READ_PIPELINE_RUN)
@blueprint.response(200, page_schema(NodeTaskSchema))
def list_node_tasks(uow: UnitOfWork, actor: Actor, element_id: UUID, run_id: UUID, item_id: UUID) -> Response:
    """List what the nodes of a run did for an asset, in the order of the graph."""
    run = pipeline_runs.get_run(uow, actor, element_id, run_id)
    item = pipeline_runs.get_run_item(uow, run, item_id.int - 1)
    told = {"itemUuid": str(item_id), "runUuid": str(run_id)}
    bodies = [{**told, **_renamed(each)} for each in pipeline_runs.node_tasks(item)]
    return jsonify(raw_envelope(bodies, Total(len(bodies)), max(len(bodies), 1)))


def _renamed(result: Values) -> Values:
    return {("errorMessage" if key == "message" else key): value for key, value in result.items()}


def _run_body(run: Task, counts: Mapping[str, int]) -> Values:
    spent = run.finished - run.started if run.finished and run.started else None
    body = {
        "uuid": run.id, "pipeline_id": run.subject_id, "version": run.payload["version"],
        "status": pipeline_runs.status_of(run), "started": run.started, "finished": run.finished,
        "media_count": run.total or 0, "success_count": counts["SUCCESS"], "failure_count": counts["FAILED"],
        "skipped_count": counts["SKIPPED"], "dry_run": run.payload["dry_run"], "error_message": run.error_message,
        "duration_ms": round(spent.total_seconds() * 1000) if spent else None,
    }  # fmt: skip
    return {name: value for name, value in body.items() if value is not None}


def _item_body(item: RunItem) -> Values:
    return {**vars(item), "uuid": _item_id(item.index), "run_id": item.task_id, "sha512": item.sha512.hex()}


def _item_id(index: int) -> UUID:
    """Spell the place of an item as a UUID, as the items of tasks are."""
    return UUID(int=index + 1)


def _index_of(cursor: str | None) -> int:
    index = parse_uuid(cursor).int - 1 if cursor is not None else -1
    if index.bit_length() > 63:  # noqa: PLR2004 - the column's width
        raise InvalidInput("from: no item of a run has this place")
    return index


def _read_state() -> str | None:
    text = request.args.get("state")
    if text and text not in _STATES:
        raise InvalidInput(f"state: '{printable(text)}' is not one of {', '.join(_STATES)}")
    return text or None
