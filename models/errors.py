"""The one tree of errors that a caller can meet.

Domain errors know no HTTP: `web/errors.py` maps each class to a status, `workers/runtime.py` to an outcome.
"""

from __future__ import annotations


class LoomError(Exception):
    """Something went wrong."""

    code = "error"
    """Stable identifier that clients may test."""

    def __init__(self, message: str | None = None, *, code: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or "")
        if code:
            self.code = code

    @property
    def message(self) -> str:
        """One sentence for the person who caused the error."""
        return str(self)


class ConfigurationError(LoomError):
    """A setting is missing or wrong."""

    code = "configuration"


class InvalidInput(LoomError):
    """The request is not valid."""

    code = "invalid-input"


class Unauthorized(LoomError):
    """A valid bearer token is required."""

    code = "unauthorized"


class Forbidden(LoomError):
    """This is not permitted."""

    code = "forbidden"


class NotFound(LoomError):
    """There is no such element."""

    code = "not-found"


class Gone(LoomError):
    """It was there once, and is not kept any more."""

    code = "gone"


class Conflict(LoomError):
    """The element is in a state that does not allow this."""

    code = "conflict"


class PreconditionFailed(LoomError):
    """The element was changed by somebody else."""

    code = "precondition-failed"


class Mismatch(LoomError):
    """What was sent is not what was sent before."""

    code = "mismatch"


class TooLarge(LoomError):
    """The body is larger than allowed."""

    code = "too-large"


class UnsupportedMedia(LoomError):
    """Bytes of this type cannot be used for that."""

    code = "unsupported-media"


class ChecksumMismatch(LoomError):
    """What has arrived is not what was sent."""

    code = "checksum-mismatch"


class Stalled(LoomError):
    """The body did not come in in time."""

    code = "stalled"


class TooManyRequests(LoomError):
    """Too many attempts; wait before the next one."""

    code = "too-many-requests"

    def __init__(self, message: str | None = None, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StorageFull(LoomError):
    """There is not enough free space to store this."""

    code = "storage-full"


class Unavailable(LoomError):
    """A part of Loom that this needs is not available now."""

    code = "unavailable"


class Transient(LoomError):
    """Something outside of Loom failed that may succeed in a moment: workers try it again a few times."""

    code = "transient"


class LeaseLost(LoomError):
    """Another worker has taken this step over; nothing that this one did may be kept."""

    code = "lease-lost"


class TaskCancelled(LoomError):
    """The task was cancelled."""

    code = "cancelled"


class TaskFailed(LoomError):
    """The task that does this has failed."""

    code = "task-failed"
