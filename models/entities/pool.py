"""Asset pool: a folder whose files are assets."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id


class Pool(Audited, Base):
    """A file-system pool. `fs_path` is the absolute path of its root in the spelling of `models.paths`."""

    __tablename__ = "pool"
    __table_args__ = (UniqueConstraint("space_id", "name"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    name: Mapped[str]
    fs_path: Mapped[str]
    schedule: Mapped[str | None]
    """When to scan: a cron expression, or an interval such as `15m`; see `models.services.schedules`."""

    # No columns: measured for those who show a single pool.
    free_space = cast("int | None", None)
    used_space = cast("int | None", None)
