"""Who may do what, as a table: a row for each route, and one rule for what each caller is answered.

The rule is derived from the permissions that a view names (`web.auth.permissions_of`). A row says what cannot be
derived: how to make what its path names, what to send, and what else its service insists on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any

from models.permissions import Permission
from tests.support.access_world import Caller, World

Made = Mapping[str, Any]
Make = Callable[[World], Made]
Body = Any
"""A value, or a function that gives one from what was made."""

ELSEWHERE = frozenset({Caller.SCOPED, Caller.STRANGER})
"""Those who hold permissions, but not for what the administrator has made."""
_PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_SUCCESSES = {"GET": 200, "POST": 200, "PATCH": 200, "PUT": 200, "DELETE": 204}


class Reach(Enum):
    """What a route is about."""

    ELEMENT = auto()
    """Something that exists already: who does not see it is told that there is none."""
    LIST = auto()
    """All that the caller sees."""
    NOTHING = auto()
    """Nothing that exists already, or the caller."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A route, how to call it, and what its services insist on besides the permissions that its view names."""

    method: str
    path: str
    """Below `/api/v1`, as it is declared."""
    make: Make = field(default=lambda _: {})
    """Makes what the path and the body name, in the name of the administrator."""
    body: Body = None
    query: Body = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int
    """Of success."""
    reach: Reach
    unseen: int = 404
    """Of an element that the caller does not see; 400 where it is the body that names it."""
    reads: Permission | None = None
    """Who does not hold it does not see the element, where the view itself lets everybody in for their own."""
    also: tuple[Permission, ...] = ()
    """What the service asks for when the element is seen."""
    differs: Mapping[Caller, int] = field(default_factory=dict)
    """Where the rule is not the whole truth."""
    own: Mapping[Caller, int] = field(default_factory=dict)
    """How many elements of their own those have who see none of the administrator's."""

    @property
    def name(self) -> str:
        """What failures call it."""
        return f"{self.method} {self.path}"

    def given(self, made: Made) -> tuple[Any, Any]:
        """Give the body and the query."""
        body, query = (each(made) if callable(each) else each for each in (self.body, self.query))
        return body, query


def fill(path: str, made: Made) -> str:
    """Put what was made into a path."""
    return _PARAMETER.sub(lambda match: str(made[match[1]]), path)


def row(method: str, path: str, make: Make | None = None, **more: Any) -> Row:
    """Describe a route; what is not said is as is usual for its method and path."""
    if make is not None:
        more["make"] = make
    more.setdefault("status", _SUCCESSES[method])
    more.setdefault("reach", _reach_of(method, path))
    return Row(method=method, path=path, **more)


def _reach_of(method: str, path: str) -> Reach:
    if "<" in path:
        return Reach.ELEMENT
    return Reach.LIST if method == "GET" else Reach.NOTHING


def rows(methods: Iterable[str], path: str, make: Make, **more: Any) -> list[Row]:
    """Describe a route for several methods that do the same."""
    return [row(method, path, make, **more) for method in methods]


def plain(
    path: str, make: Callable[[World], Any], *, create: Body, change: Body, whole: Body = None,
    make_parts: Make | None = None, own: Mapping[Caller, int] | None = None, **more: Any,
) -> list[Row]:  # fmt: skip
    """Describe the routes of a plain resource; `make_parts` and `more` are about creation.

    `whole` is what a replacement needs; None: there is none.
    """
    one, element = each(element_id=make), f"{path}/<uuid:element_id>"
    made = [
        row("GET", path, one, own=own or {}),
        row("POST", path, make_parts, body=create, status=201, **more),
        row("GET", element, one),
        *rows(("POST", "PATCH"), element, one, body=change),
        row("DELETE", element, one),
    ]
    return made if whole is None else [*made, row("PUT", element, one, body=whole)]


def each(**makers: Callable[[World], Any]) -> Make:
    """Make several things that have nothing to do with each other."""
    return lambda world: {name: maker(world) for name, maker in makers.items()}


class Outcome(StrEnum):
    """What the rule says."""

    OPEN = auto()
    UNKNOWN_CALLER = auto()
    FORBIDDEN = auto()
    UNSEEN = auto()
    SUCCESS = auto()


def expected(entry: Row, world: World, caller: Caller, needed: tuple[Permission, ...] | None) -> tuple[Outcome, int]:
    """Tell what a caller is answered: the rule."""
    outcome = _judge(entry, world, caller, needed)
    unseen = entry.status if entry.reach is Reach.LIST else entry.unseen
    statuses = {Outcome.UNKNOWN_CALLER: 401, Outcome.FORBIDDEN: 403, Outcome.UNSEEN: unseen}
    return outcome, entry.differs.get(caller, statuses.get(outcome, entry.status))


def _judge(entry: Row, world: World, caller: Caller, needed: tuple[Permission, ...] | None) -> Outcome:
    if needed is None:
        return Outcome.OPEN
    if caller is Caller.ANONYMOUS:
        return Outcome.UNKNOWN_CALLER
    held = world.held[caller]
    if not held.issuperset(needed):
        return Outcome.FORBIDDEN
    is_seen = caller not in ELSEWHERE and (entry.reads is None or entry.reads in held)
    if entry.reach is not Reach.NOTHING and not is_seen:
        return Outcome.UNSEEN
    return Outcome.SUCCESS if held.issuperset(entry.also) else Outcome.FORBIDDEN
