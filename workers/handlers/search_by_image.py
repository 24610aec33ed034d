"""`search.by-image`: assets that look like a picture that somebody has sent, decoded in a child like all media."""

from __future__ import annotations

import tempfile
from typing import Any
from uuid import UUID

from models.errors import UnsupportedMedia
from models.messages import SEARCH_BY_IMAGE
from models.payloads import SearchByImage
from models.permissions import Actor
from models.pipelines.outcomes import NodeState
from models.services.bulk_answers import asked_by
from models.services.credentials import actor_of_task
from models.services.fusion import fuse
from models.services.similarity import Sought, near_fingerprint, similar_embeddings
from models.services.task_parts import Outcome
from models.services.vector_index import VectorIndex
from models.services.vector_keys import FINGERPRINTS, LAYOUT_MODEL, LAYOUT_TYPE
from models.unit_of_work import UnitOfWork
from workers.handlers.staged import drop_staged, read_staged, staged_bytes
from workers.handling import Step
from workers.media.sandbox import Request, Sandbox, Sandboxes
from workers.media.wire import Gone

_COPY_BYTES = 1024**2
_SECONDS, _MEBIBYTES = 60.0, 1024
_KINDS = ("image-hash", "image-descriptor")
Seen = dict[str, Any]
"""Outputs of the nodes of `_KINDS`."""


class SearchByImageHandler:
    """Looks at the picture, then asks for what is near, within what the caller may see when it is answered."""

    kind = SEARCH_BY_IMAGE

    def __init__(self) -> None:
        self._sandboxes = Sandboxes(1)

    def compute(self, step: Step[SearchByImage]) -> Seen:
        """Look at the picture.

        Raises:
            UnsupportedMedia: when it is none, or cannot be decoded.
        """
        hashed = read_staged(step)
        if not hashed.mime_type.startswith("image/"):
            raise UnsupportedMedia(f"A search by image needs a picture such as image/jpeg, not {hashed.mime_type}")
        with tempfile.TemporaryFile(prefix="loom-media-") as file, self._sandboxes.borrow() as sandbox:
            with staged_bytes(step) as reader:
                while data := reader.read(_COPY_BYTES):
                    file.write(data)
            file.flush()
            try:
                sandbox.open(file.fileno(), hashed.mime_type, step.payload.filename)
                return {name: value for kind in _KINDS for name, value in _look(sandbox, kind).items()}
            except Gone as error:
                raise UnsupportedMedia(f"The picture cannot be decoded: {error}") from None

    def apply(self, uow: UnitOfWork, step: Step[SearchByImage], seen: Seen) -> Outcome:
        """Ask, and answer by the result."""
        actor = actor_of_task(uow, step.space_id, *asked_by(uow, step.task_id))
        found = _near(uow, step.platform.vectors, actor, seen, step.payload.limit)
        return Outcome(done=1, result={"data": found})

    def clean_up(self, step: Step[SearchByImage], seen: Seen) -> None:
        """Remove the picture."""
        with step.platform.unit_of_work() as uow:
            drop_staged(uow, step)


def _look(sandbox: Sandbox, kind: str) -> dict[str, Any]:
    outcome, _ = sandbox.run(Request(kind, {}, {}, _SECONDS, _MEBIBYTES))
    if outcome.state is not NodeState.COMPLETED:
        raise UnsupportedMedia(f"The picture cannot be decoded: {outcome.message}")
    return dict(outcome.outputs)


def _near(uow: UnitOfWork, index: VectorIndex, actor: Actor, seen: Seen, limit: int) -> list[dict[str, Any]]:
    """Find what is near by fingerprint, which knows copies, and by layout, which knows likeness; both count."""
    copies = near_fingerprint(uow, actor, FINGERPRINTS["phash"], seen["phash"], limit)
    sought = Sought(vector=seen["vector"], type=LAYOUT_TYPE, model=LAYOUT_MODEL)
    alike = similar_embeddings(uow, index, actor, sought, limit, None)
    bits: dict[UUID, int] = {each.asset_id: each.distance for each in copies}
    cosines: dict[UUID, float] = {each.asset_id: each.score for each in alike}
    return [
        {"assetUuid": str(key), "score": score, "distance": bits.get(key), "cosine": cosines.get(key)}
        for key, score in fuse(list(bits), list(cosines))[:limit]
    ]
