"""The log of events, to be read: what somebody may hear of, behind an event that they know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from models.permissions import Actor, Permission
from models.services.audiences import Begin, audible
from models.services.audit import usernames
from models.services.event_log import LoggedEvent, Position, read_events
from models.services.frames import Frame, make_frame, public_frame
from models.unit_of_work import UnitOfWork

_PAGE, _MOST_PAGES = 500, 20
"""So much of the log is looked at for one answer: most of it may be about other spaces."""


@dataclass(frozen=True)
class Sought:
    """Which events are looked for: of these types, about this element, by this user; nothing said: any."""

    types: frozenset[str] = frozenset()
    subject_id: UUID | None = None
    actor_id: UUID | None = None

    def takes(self, event: LoggedEvent) -> bool:
        """Whether an event is one of them."""
        return (
            (not self.types or event.type in self.types)
            and self.subject_id in {None, event.subject_id}
            and self.actor_id in {None, event.actor_id}
        )


def list_events(
    uow: UnitOfWork, begin: Begin, actor: Actor, after: Position, sought: Sought, limit: int
) -> tuple[Sequence[Frame], int]:
    """Give the next events that the actor may hear of, and the id of the last one that was looked at.

    Who did it is told to those who may read users. Fewer than `limit` do not mean that there are no more, unless that
    id is the one that was given.

    Raises:
        Forbidden: when events of a user are looked for by somebody who may not read users.
    """
    if sought.actor_id is not None:
        actor.require(Permission.READ_USER)
    found: list[Frame] = []
    last = after
    for _ in range(_MOST_PAGES):
        events = read_events(uow, last, _PAGE)
        own = [make_frame(event) for event in events if event.space_id == actor.space_id and sought.takes(event)]
        for frame in audible(begin, actor, own):
            found.append(frame)
            if len(found) == limit:
                return _told(uow, actor, found), frame["id"]
        if events:
            last = events[-1].position
        if len(events) < _PAGE:
            break
    return _told(uow, actor, found), last.id


def _told(uow: UnitOfWork, actor: Actor, frames: Sequence[Frame]) -> list[Frame]:
    """Give what is shown of frames, with who did it if that may be told."""
    if not actor.may(Permission.READ_USER):
        return [public_frame(frame) for frame in frames]
    names = usernames(uow, {UUID(frame["_actor"]) for frame in frames if frame["_actor"]})
    return [{**public_frame(frame), "actor": _user(frame["_actor"], names)} for frame in frames]


def _user(user_id: str | None, names: Mapping[UUID, str]) -> dict[str, str | None] | None:
    return {"uuid": user_id, "name": names.get(UUID(user_id))} if user_id else None
