"""Events as they are kept, and how far the relay has published them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import FetchedValue, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from models.db import Base, Json, Now


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Name the type in DDL."""
        return "xid8"


class Event(Base):
    """One thing that happened.

    Readers go by `(xid, id)` and stop below the oldest transaction still running: an id is drawn before its
    transaction commits, so by id alone a reader could see 8, move on, and never see 7.
    """

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_xid_id", "xid", "id"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    xid: Mapped[int] = mapped_column(Xid8, FetchedValue(), server_default=text("pg_current_xact_id()"))
    occurred: Mapped[Now]
    type: Mapped[str]
    space_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    actor_id: Mapped[UUID | None]
    data: Mapped[Json] = mapped_column(JSONB)
    trace_id: Mapped[str | None]
    """Of the request that set it going, if one did."""


class RelayPosition(Base):
    """How far one reader of the events has come. `system` is the PostgreSQL cluster that the xid counts in."""

    __tablename__ = "relay_position"

    reader: Mapped[str] = mapped_column(primary_key=True)
    xid: Mapped[int] = mapped_column(Xid8, server_default=text("'0'"))
    id: Mapped[int] = mapped_column(server_default=text("0"))
    system: Mapped[int]
