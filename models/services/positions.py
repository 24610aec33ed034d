"""The order that people give to a collection. Only for those who have locked its row.

`position` is a float: an asset that is moved gets a number between those of its new neighbours, so that nothing else
is written. When a gap is used up, the whole collection is numbered anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from models.errors import InvalidInput
from models.unit_of_work import UnitOfWork, as_rows

STEP = 1024.0
_OTHERS = "collection_id = :collection AND NOT asset_id = ANY(CAST(:moved AS uuid[]))"


@dataclass(frozen=True)
class Placement:
    """Where assets are put: behind one, before one, or so many from the start; if nothing is said, at the end."""

    after: UUID | None = None
    before: UUID | None = None
    index: int | None = None

    @property
    def is_given(self) -> bool:
        """Whether anything is said."""
        return self != Placement()


@dataclass(frozen=True)
class _Gap:
    """The positions of what is to be neighbours; None where there is none."""

    low: float | None
    high: float | None

    def share(self, count: int) -> list[float] | None:
        """Give so many positions in between, rising; None when it has no room for them."""
        if self.high is None:
            start = self.low or 0.0
            found = [start + STEP * number for number in range(1, count + 1)]
        elif self.low is None:
            found = [self.high - STEP * number for number in range(count, 0, -1)]
        else:
            width = self.high - self.low
            found = [self.low + width * number / (count + 1) for number in range(1, count + 1)]
        bounds = [place for place in (self.low, *found, self.high) if place is not None]
        is_rising = all(one < other for one, other in pairwise(bounds))
        return found if is_rising else None


def place(uow: UnitOfWork, collection_id: UUID, asset_ids: Sequence[UUID], placement: Placement) -> list[float]:
    """Find positions for assets, in the order given, as if none of them were in the collection.

    Raises:
        InvalidInput: when the asset that they are put next to is none of the others in the collection.
    """
    found = _gap(uow, collection_id, asset_ids, placement).share(len(asset_ids))
    if found is None:
        _number_anew(uow, collection_id)
        found = _gap(uow, collection_id, asset_ids, placement).share(len(asset_ids))
    assert found is not None, "a gap of a new numbering holds any request"
    return found


def set_positions(uow: UnitOfWork, collection_id: UUID, asset_ids: Sequence[UUID], positions: Sequence[float]) -> None:
    """Put members, or assets that become some, at these positions."""
    rows = [{"asset_id": asset_id, "position": place} for asset_id, place in zip(asset_ids, positions, strict=True)]
    uow.execute(
        """INSERT INTO collection_asset (collection_id, asset_id, position)
           SELECT :collection, asset_id, position
           FROM json_to_recordset(CAST(:rows AS json)) AS new (asset_id uuid, position float8) ORDER BY asset_id
           ON CONFLICT (collection_id, asset_id) DO UPDATE SET position = excluded.position""",
        collection=collection_id,
        rows=as_rows(rows),
    )


def _gap(uow: UnitOfWork, collection_id: UUID, moved: Sequence[UUID], placement: Placement) -> _Gap:
    parameters = {"collection": collection_id, "moved": list(moved)}
    if placement.after is not None:
        low = _anchor(uow, collection_id, moved, placement.after, "after")
        return _Gap(low[0], _next(uow, low, parameters))
    if placement.before is not None:
        high = _anchor(uow, collection_id, moved, placement.before, "before")
        return _Gap(_previous(uow, high, parameters), high[0])
    if placement.index is not None:
        row: Any = uow.execute(
            f"""SELECT position, asset_id FROM collection_asset WHERE {_OTHERS}
                ORDER BY position, asset_id OFFSET :index LIMIT 1""",  # noqa: S608 - a constant
            index=placement.index,
            **parameters,
        ).one_or_none()
        if row is not None:
            return _Gap(_previous(uow, row, parameters), row[0])
    return _Gap(_one(uow, f"SELECT max(position) FROM collection_asset WHERE {_OTHERS}", parameters), None)  # noqa: S608


def _anchor(
    uow: UnitOfWork, collection_id: UUID, moved: Sequence[UUID], asset_id: UUID, field: str
) -> tuple[float, UUID]:  # fmt: skip
    position: Any = uow.execute(
        "SELECT position FROM collection_asset WHERE collection_id = :collection AND asset_id = :asset",
        collection=collection_id,
        asset=asset_id,
    ).scalar_one_or_none()
    if position is None or asset_id in moved:
        raise stranger(field, asset_id)
    return position, asset_id


def stranger(field: str, asset_id: UUID) -> InvalidInput:
    """Say that nothing can be put next to this asset."""
    return InvalidInput(f"{field}: the asset '{asset_id}' is none of the others in the collection")


def _next(uow: UnitOfWork, place: tuple[float, UUID], parameters: dict[str, Any]) -> float | None:
    statement = f"""SELECT position FROM collection_asset WHERE {_OTHERS} AND (position, asset_id) > (:position, :id)
                    ORDER BY position, asset_id LIMIT 1"""  # noqa: S608 - a constant
    return _one(uow, statement, {**parameters, "position": place[0], "id": place[1]})


def _previous(uow: UnitOfWork, place: tuple[float, UUID], parameters: dict[str, Any]) -> float | None:
    statement = f"""SELECT position FROM collection_asset WHERE {_OTHERS} AND (position, asset_id) < (:position, :id)
                    ORDER BY position DESC, asset_id DESC LIMIT 1"""  # noqa: S608 - a constant
    return _one(uow, statement, {**parameters, "position": place[0], "id": place[1]})


def _one(uow: UnitOfWork, statement: str, parameters: dict[str, Any]) -> float | None:
    found: Any = uow.execute(statement, **parameters).scalar_one_or_none()
    return None if found is None else float(found)


def _number_anew(uow: UnitOfWork, collection_id: UUID) -> None:
    uow.execute(
        """UPDATE collection_asset SET position = numbered.number * CAST(:step AS float8)
           FROM (SELECT asset_id, row_number() OVER (ORDER BY position, asset_id) AS number
                 FROM collection_asset WHERE collection_id = :collection) AS numbered
           WHERE collection_id = :collection AND collection_asset.asset_id = numbered.asset_id""",
        collection=collection_id,
        step=STEP,
    )
