"""How many rows a list has in all: exact while that is cheap, else what PostgreSQL's planner thinks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement, Executable

from models.unit_of_work import UnitOfWork

MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Total:
    """A number of elements; an estimate unless `is_exact`."""

    count: int
    is_exact: bool = True


def count_rows(uow: UnitOfWork, query: Select[Any]) -> Total:
    """Count the rows of a query. Beyond some number they are estimated, so that a long list costs no more."""
    return total_of(uow, query, None)


def count_some(query: Select[Any]) -> ScalarSelect[int]:
    """Give the number of rows of a query, up to some number, to be selected along with something else."""
    # Apart from the statement that it becomes a part of, which may be about the same tables.
    few = query.limit(MOST_COUNTED + 1).correlate(None).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


def total_of(uow: UnitOfWork, query: Select[Any], counted: int | None) -> Total:
    """Make the total of what `count_some` has counted; None: count now."""
    count = uow.session.execute(select(count_some(query))).scalar_one() if counted is None else counted
    if count <= MOST_COUNTED:
        return Total(count)
    return Total(max(count, estimate_rows(uow, query)), is_exact=False)


def estimate_rows(uow: UnitOfWork, query: Select[Any]) -> int:
    """Say how many rows a query has in the opinion of PostgreSQL's planner."""
    plan: Any = uow.session.execute(_Explain(query)).scalar_one()
    return int(plan[0]["Plan"]["Plan Rows"])


class _Explain(Executable, ClauseElement):
    """A query of which only the plan is wanted, as JSON."""

    inherit_cache = False

    def __init__(self, query: Select[Any]) -> None:
        self.query = query


@compiles(_Explain)
def _spell_explain(element: _Explain, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.query, **options)}"
