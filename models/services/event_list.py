"""The log of events, to be read: what somebody may hear of, behind an event that they know."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from models.permissions import Actor
from models.services.audiences import Begin, audible
from models.services.event_log import Position, read_events
from models.services.frames import Frame, make_frame, public_frame
from models.unit_of_work import UnitOfWork

_PAGE, _MOST_PAGES = 500, 20
"""So much of the log is looked at for one answer: most of it may be about other spaces."""


def list_events(
    uow: UnitOfWork, begin: Begin, actor: Actor, after: Position, types: Collection[str], limit: int
) -> tuple[Sequence[Frame], int]:
    """Give the next events that the actor may hear of, and the id of the last one that was looked at.

    Fewer than `limit` do not mean that there are no more, unless that id is the one that was given.
    """
    found: list[Frame] = []
    last = after
    for _ in range(_MOST_PAGES):
        events = read_events(uow, last, _PAGE)
        own = [make_frame(event) for event in events
               if event.space_id == actor.space_id and (not types or event.type in types)]  # fmt: skip
        positions = {event.position.id: event.position for event in events}
        for frame in audible(begin, actor, own):
            found.append(public_frame(frame))
            if len(found) == limit:
                return found, positions[frame["id"]].id
        if events:
            last = events[-1].position
        if len(events) < _PAGE:
            break
    return found, last.id
