"""When a pipeline runs by itself: on assets as they come in, and again and again on all that it is for."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Trigger(BaseModel):
    """What starts runs, and for which assets. Empty lists leave nobody out; each that is not must have the asset."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    auto: bool = False
    """Whether it runs on assets as soon as they have bytes."""
    schedule: str | None = None
    """When it runs on all that it is for: a cron expression or an interval, as pools have."""
    mime_types: tuple[str, ...] = ()
    """Patterns such as `image/*`."""
    pool_uuids: tuple[UUID, ...] = ()
    library_uuids: tuple[UUID, ...] = ()

    def is_for(self, mime_type: str, pools: Collection[UUID], libraries: Collection[UUID]) -> bool:
        """Whether an asset of that type, in these pools and libraries, is meant."""
        return (
            (not self.mime_types or any(fnmatchcase(mime_type, pattern) for pattern in self.mime_types))
            and (not self.pool_uuids or any(pool in self.pool_uuids for pool in pools))
            and (not self.library_uuids or any(library in self.library_uuids for library in libraries))
        )
