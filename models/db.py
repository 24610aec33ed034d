"""The declarative base, and the column types that every table uses.

Constraint names follow one convention from the first table on: `unit_of_work.py` tells errors apart by them.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Enum,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from models.ids import new_id

REVISION = "0014"
"""The newest of `models/migrations`: the tables that this Loom works with. Spelt here too, so that nobody has to import
Alembic to see whether they are there."""


class HexBytes(TypeDecorator[str]):
    """A hash: lower-case hex in Python, half as many bytes in the table."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> bytes | None:
        """Pack the hex characters."""
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Any) -> str | None:
        """Unpack to lower-case hex."""
        return None if value is None else bytes(value).hex()


Json = dict[str, Any]
Sha512 = Annotated[str, mapped_column(HexBytes)]
Id = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
Now = Annotated[datetime, mapped_column(server_default=text("now()"))]


class Base(DeclarativeBase):
    """What all mapped classes share: the type map and the naming of constraints."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads the plain class attribute
        datetime: TIMESTAMP(timezone=True),
        int: BigInteger,
        str: Text,
        Json: JSONB,
        StrEnum: Enum(StrEnum, native_enum=False, length=16),
    }


class Audited:
    """Who made an element and who changed it last; every element that the API shows carries it.

    `revision` counts changes and is the element's ETag. The users are not foreign keys: a user's row is never removed
    (`models.services.users`), and two checks for each row would cost a scan a tenth of its speed.
    """

    created: Mapped[Now]
    creator_id: Mapped[UUID | None]
    edited: Mapped[Now]
    editor_id: Mapped[UUID | None]
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    meta: Mapped[Json] = mapped_column(server_default=text("'{}'"), default=dict)

    # No columns: `models.services.audit` fills them in for those who show the element.
    creator_name = cast("str | None", None)
    editor_name = cast("str | None", None)
    # No column either: what those who show more than the row show besides, for the ETag.
    shown_besides = cast("Any", None)
