"""Asset pool: a folder, or a part of a bucket, whose files are assets."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id, Json
from models.scan_rules import ScanRules


class Pool(Audited, Base):
    """Where files are. `fs_path` is the root: an absolute path in the spelling of `models.paths`, or a bucket's URL."""

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

    @property
    def folder(self) -> str | None:
        """The root, if it is a folder."""
        return None if self.url else self.fs_path

    @property
    def url(self) -> str | None:
        """The root, if it is in a bucket."""
        return self.fs_path if "://" in self.fs_path else None

    # No columns: measured for those who show a single pool.
    free_space = cast("int | None", None)
    used_space = cast("int | None", None)
