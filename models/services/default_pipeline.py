"""The pipeline that a fresh installation has: what anybody wants to know of media, as soon as they are there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from models.entities import Pipeline, PipelineVersion
from models.ids import new_id
from models.pipelines.reading import FORMAT
from models.unit_of_work import UnitOfWork

NAME = "ingest"
_KINDS = ("metadata", "thumbnail", "dominant-color", "image-hash", "text")
DEFINITION: dict[str, Any] = {
    "version": FORMAT,
    "nodes": [
        {"id": "assets", "type": "asset-source", "position": {"x": 0, "y": 0}},
        {"id": "blacklist", "type": "blacklist-check", "position": {"x": 240, "y": 0}},
        *({"id": kind, "type": kind, "position": {"x": 480, "y": 120 * at}} for at, kind in enumerate(_KINDS)),
    ],
    "edges": [
        {"source": "assets", "sourcePort": "media", "target": "blacklist", "targetPort": "media"},
        *({"source": "assets", "sourcePort": "media", "target": kind, "targetPort": "media"} for kind in _KINDS),
        *({"source": "blacklist", "sourcePort": "passed", "target": kind, "branch": "PASS"} for kind in _KINDS),
    ],
}
"""What is on the blacklist is not looked at."""


def ensure_default(uow: UnitOfWork, space_id: UUID, user_id: UUID) -> None:
    """Make it: once, for a user who has just been made as the first."""
    told: dict[str, Any] = {
        "name": NAME, "description": "Looks at every asset that comes in", "enabled": True, "priority": 0,
        "dry_run": False, "definition": DEFINITION, "trigger": {"auto": True},
    }  # fmt: skip
    pipeline_id, version_id = new_id(), new_id()
    made = {"creator_id": user_id, "editor_id": user_id, "version_id": version_id, "version_number": 1}
    uow.session.add(Pipeline(id=pipeline_id, space_id=space_id, **made, **told))
    uow.session.flush()
    uow.session.add(
        PipelineVersion(id=version_id, pipeline_id=pipeline_id, number=1, creator_id=user_id, **told)
    )  # fmt: skip
    uow.session.flush()
