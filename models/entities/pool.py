"""Asset pool: a folder whose files are assets."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json
from models.scan_rules import ScanRules


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
    scan_rules: Mapped[Json] = mapped_column(server_default=text("'{}'"), default=dict)
    """What differs from the default, see `rules`."""
    is_watched: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Whether what changes in the folder is scanned at once."""
    root_device: Mapped[int | None]
    root_fsid: Mapped[int | None]
    """The device and the id of the file system that the root lay on when it was first scanned; signed, as locations."""

    @property
    def rules(self) -> ScanRules:
        """The rules of scans, with what holds by default."""
        return ScanRules.model_validate(self.scan_rules)

    # No columns: measured for those who show a single pool.
    free_space = cast("int | None", None)
    used_space = cast("int | None", None)
