"""Definitions of pipelines as graphs: held against the kinds of node that are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models.entities import PipelineVersion
from models.pipelines.examining import Examined, examine
from models.pipelines.graph import Graph
from models.services.node_kinds import known_kinds
from models.unit_of_work import UnitOfWork


def examined(uow: UnitOfWork, definition: Mapping[str, Any]) -> Examined:
    """Find all that is wrong with a definition."""
    return examine(definition, known_kinds(uow))


def graph_of_version(uow: UnitOfWork, pipeline_id: UUID, number: int) -> Graph | None:
    """Give the graph of a version; None if it cannot run (any more)."""
    query = select(PipelineVersion.definition).where(
        PipelineVersion.pipeline_id == pipeline_id, PipelineVersion.number == number
    )
    definition = uow.session.execute(query).scalar_one_or_none()
    return examined(uow, definition).graph if definition else None
