"""Pipelines as they are stored: every change appends a version in its transaction, and no version is ever lost.

The newest version is also the pipeline's own row, whose lock keeps the numbers without gaps or repetitions.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from models.entities import Pipeline, PipelineVersion
from models.errors import InvalidInput, NotFound
from models.ids import new_id
from models.permissions import Actor, Entity
from models.pipelines.reading import FORMAT
from models.services.changes import changes_to, is_same
from models.services.counting import Total
from models.services.crud import Resource, Values
from models.services.graphs import examined
from models.services.schedules import set_pipeline_schedule
from models.unit_of_work import UnitOfWork

PIPELINES = Resource(Pipeline, "pipeline", Entity.PIPELINE)
_VERSIONED = ("name", "description", "enabled", "priority", "dry_run", "definition", "trigger")


def create_pipeline(uow: UnitOfWork, actor: Actor, values: Values) -> Pipeline:
    """Make a pipeline and its first version."""
    version_id = new_id()
    pipeline = PIPELINES.create(uow, actor, {**_checked(uow, values), "version_id": version_id, "version_number": 1})
    uow.session.refresh(pipeline)
    set_pipeline_schedule(uow, pipeline)
    _append(uow, actor, pipeline)
    return pipeline


def update_pipeline(uow: UnitOfWork, actor: Actor, pipeline: Pipeline, values: Values) -> None:
    """Change a pipeline that is locked. What changes nothing, or its `meta` only, appends no version."""
    values = _checked(uow, values)
    if changes_to(pipeline, values).keys().isdisjoint(_VERSIONED):
        PIPELINES.update(uow, actor, pipeline, values)
        return
    version = {"version_id": new_id(), "version_number": pipeline.version_number + 1}
    PIPELINES.update(uow, actor, pipeline, {**values, **version})
    set_pipeline_schedule(uow, pipeline)
    _append(uow, actor, pipeline)


def restore_version(
    uow: UnitOfWork, actor: Actor, pipeline: Pipeline, number: int, values: Values
) -> PipelineVersion:  # fmt: skip
    """Make a version of the past the newest one; `values` may give it another name and description."""
    past = get_version(uow, pipeline, number)
    restored = {name: getattr(past, name) for name in _VERSIONED} | values
    version = {"version_id": new_id(), "version_number": pipeline.version_number + 1}
    PIPELINES.update(uow, actor, pipeline, {**restored, **version})
    set_pipeline_schedule(uow, pipeline)
    return _append(uow, actor, pipeline)


def get_version(uow: UnitOfWork, pipeline: Pipeline, number: int) -> PipelineVersion:
    """Give one version of a pipeline."""
    if not 0 < number <= pipeline.version_number:
        raise NotFound(f"The pipeline has no version {number}")
    return uow.session.execute(_versions(pipeline).where(PipelineVersion.number == number)).scalar_one()


def list_versions(
    uow: UnitOfWork, pipeline: Pipeline, limit: int, after: UUID | None
) -> tuple[list[PipelineVersion], Total]:  # fmt: skip
    """Give some of the versions of a pipeline, the oldest first, behind the one with that id."""
    query = _versions(pipeline)
    if after is not None:
        known = query.where(PipelineVersion.id == after).with_only_columns(PipelineVersion.number)
        query = query.where(PipelineVersion.number > known.scalar_subquery())
    found = uow.session.execute(query.order_by(PipelineVersion.number).limit(limit)).scalars()
    return list(found), Total(pipeline.version_number)


def _versions(pipeline: Pipeline) -> Select[PipelineVersion]:
    return select(PipelineVersion).where(PipelineVersion.pipeline_id == pipeline.id)


def _checked(uow: UnitOfWork, values: Values) -> Values:
    definition: dict[str, Any] | None = values.get("definition")
    if definition is None:
        return values
    if errors := examined(uow, definition).errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise InvalidInput(f"definition: {errors[0].message}{more}", code="bad-definition")
    lists = {name: definition.get(name) or [] for name in ("nodes", "edges")}
    return {**values, "definition": {**definition, "version": FORMAT, **lists}}


def changes_between(older: PipelineVersion, newer: PipelineVersion) -> dict[str, Any]:
    """Tell what differs between two versions: fields of the pipeline, nodes by their id, edges as wholes."""
    fields = {
        name: {"from": getattr(older, name), "to": getattr(newer, name)}
        for name in _VERSIONED
        if name != "definition" and getattr(older, name) != getattr(newer, name)
    }
    before, after = ({node["id"]: node for node in (each.definition or {}).get("nodes", ())} for each in (older, newer))
    edges = [(each.definition or {}).get("edges", []) for each in (older, newer)]
    return {
        "from": older.number,
        "to": newer.number,
        "fields": fields,
        "nodes": {
            "added": [after[key] for key in after if key not in before],
            "removed": [before[key] for key in before if key not in after],
            "changed": [
                {"id": key, "from": before[key], "to": after[key]}
                for key in after
                if key in before and not is_same(before[key], after[key])
            ],
        },
        "edges": {
            "added": [edge for edge in edges[1] if edge not in edges[0]],
            "removed": [edge for edge in edges[0] if edge not in edges[1]],
        },
    }


def _append(uow: UnitOfWork, actor: Actor, pipeline: Pipeline) -> PipelineVersion:
    version = PipelineVersion(
        id=pipeline.version_id, pipeline_id=pipeline.id, number=pipeline.version_number, creator_id=actor.user_id,
        **{name: getattr(pipeline, name) for name in _VERSIONED},
    )  # fmt: skip
    uow.session.add(version)
    uow.session.flush()
    return version
