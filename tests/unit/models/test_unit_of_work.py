"""The unit of work: what goes straight through the driver fails as everything else does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.exc import DataError, OperationalError

from models.errors import Conflict
from models.ids import new_id
from models.unit_of_work import UnitOfWork
from models.wiring import Platform

_SPACE = {"id": "uuid", "name": "text"}


@pytest.mark.parametrize(
    "act",
    [
        lambda uow: uow.fetch("SELECT 1"),
        lambda uow: uow.fetch_binary("SELECT 1"),
        lambda uow: uow.copy("space", _SPACE, [(new_id(), "a")]),
        lambda uow: uow.execute("SELECT 1"),
    ],
    ids=["fetch", "fetch_binary", "copy", "execute"],
)
def test_a_lost_connection_is_one_trouble_however_it_was_used(
    platform: Platform, act: Callable[[UnitOfWork], object]
) -> None:
    with platform.unit_of_work() as uow:
        ((number,),) = uow.fetch("SELECT pg_backend_pid()")
        with platform.unit_of_work() as other:
            other.fetch("SELECT pg_terminate_backend(%(pid)s, 5000)", pid=number)
        with pytest.raises(OperationalError):
            act(uow)
    with platform.unit_of_work() as uow:
        assert uow.fetch("SELECT 1") == [(1,)], "the next one has a connection that works"


def test_a_lost_connection_of_a_reader(platform: Platform) -> None:
    with platform.reading() as uow:
        ((number,),) = uow.fetch("SELECT pg_backend_pid()")
        with platform.unit_of_work() as other:
            other.fetch("SELECT pg_terminate_backend(%(pid)s, 5000)", pid=number)
        with pytest.raises(OperationalError):
            uow.fetch("SELECT 1")
    with platform.reading() as uow:
        assert uow.fetch("SELECT 1") == [(1,)]


def test_what_is_copied_in_is_there_or_is_refused_as_a_whole(platform: Platform) -> None:
    names = [(new_id(), "a"), (new_id(), "b")]
    with platform.unit_of_work() as uow:
        uow.copy("space", _SPACE, names)
        uow.commit()
    with pytest.raises(Conflict), platform.unit_of_work() as uow:
        uow.copy("space", _SPACE, [(new_id(), "c"), (new_id(), "b")])
    with platform.reading() as uow:
        found = uow.fetch("SELECT id, name FROM space WHERE name IN ('a', 'b', 'c') ORDER BY name")
    assert found == names


def test_a_value_that_is_none_is_told_apart_from_trouble(platform: Platform) -> None:
    with platform.unit_of_work() as uow, pytest.raises(DataError):
        uow.fetch("SELECT CAST(%(text)s AS uuid)", text="x")
