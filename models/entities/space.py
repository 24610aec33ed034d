"""Space: the tenant. Everything that users see belongs to exactly one."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id

DEFAULT_SPACE = "default"


class Space(Audited, Base):
    """A tenant. The one named `default` always exists."""

    __tablename__ = "space"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
