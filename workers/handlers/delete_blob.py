"""`storage.delete-blob`: remove bytes that nothing refers to any more."""

from __future__ import annotations

from models.messages import DELETE_BLOB
from models.payloads import DeleteBlob
from models.services.blobs import remove_if_unused
from models.services.task_parts import Outcome
from models.unit_of_work import UnitOfWork
from workers.handling import Step


class DeleteBlobHandler:
    """All of it is in `apply`: the check, the row and the bytes go under one lock."""

    kind = DELETE_BLOB

    def compute(self, step: Step[DeleteBlob]) -> None:
        """Nothing is heavy."""

    def apply(self, uow: UnitOfWork, step: Step[DeleteBlob], _: None) -> Outcome:
        """Remove the bytes, but for those that something refers to; in the order that locks are taken in.

        Which these are is not told: what refers to them may be another space's.
        """
        for sha512 in sorted(step.payload.hashes):
            remove_if_unused(uow, step.platform.blobs, sha512)
        return Outcome(done=1)

    def clean_up(self, step: Step[DeleteBlob], _: None) -> None:
        """Nothing is left over."""
