"""Reading one element, for nothing but to show it: one statement through the driver, names of its users included.

Mapping a row to a session's object and back takes many times as long as the statement itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from sqlalchemy import ARRAY, Float, inspect
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from models.db import Audited
from models.permissions import Actor
from models.unit_of_work import UnitOfWork

M = TypeVar("M", bound=Audited)
_PLAIN = (ARRAY, Float)
"""Types whose values the driver gives as they are wanted."""
_DIALECT: Any = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Snapshot:
    """An element as it was when it was read: has the attributes of its mapped class, and no session."""


def find_snapshot(uow: UnitOfWork, actor: Actor, model: type[M], element_id: UUID) -> M | None:
    """Read an element of the actor's space; None if there is none. Only for actors who may read all of these.

    What is given has the attributes of the mapped class but is not of it.
    """
    plan: _Plan[M] = _plan(cast("Any", model))
    rows = uow.fetch(plan.statement, id=element_id, space=actor.space_id)
    return plan.read(rows[0]) if rows else None


@dataclass(frozen=True)
class _Plan(Generic[M]):
    statement: str
    names: Sequence[str]
    conversions: Sequence[tuple[str, Callable[[Any], Any]]]

    def read(self, row: tuple[Any, ...]) -> M:
        values = dict(zip(self.names, row, strict=True))
        for name, convert in self.conversions:
            values[name] = convert(values[name])
        snapshot = Snapshot()
        snapshot.__dict__ = values
        return cast("M", snapshot)


@lru_cache
def _plan(model: Any) -> _Plan[Any]:
    attributes = inspect(model).column_attrs
    names = [attribute.key for attribute in attributes]
    columns = [attribute.columns[0] for attribute in attributes]
    conversions = [
        (name, convert)
        for name, column in zip(names, columns, strict=True)
        if not isinstance(column.type, _PLAIN)
        and (convert := column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None)) is not None
    ]
    listed = ", ".join(f'it."{each.name}"' for each in columns)
    statement = f"""
        SELECT {listed}, creator.username, editor.username FROM "{model.__tablename__}" it
        LEFT JOIN "user" creator ON creator.id = it.creator_id LEFT JOIN "user" editor ON editor.id = it.editor_id
        WHERE it.id = %(id)s AND it.space_id = %(space)s
    """  # noqa: S608 - names of our own tables and columns
    return _Plan(statement, [*names, "creator_name", "editor_name"], conversions)
