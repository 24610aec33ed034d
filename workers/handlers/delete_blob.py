"""`storage.delete-blob`: remove bytes that no asset refers to any more."""

from __future__ import annotations

from models.messages import DELETE_BLOB, DeleteBlob
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
        """Remove the bytes, unless somebody has come to need them since."""
        removed = remove_if_unused(uow, step.platform.blobs, step.payload.sha512)
        return Outcome(done=1, result={"removed": removed})

    def clean_up(self, step: Step[DeleteBlob], _: None) -> None:
        """Nothing is left over."""
