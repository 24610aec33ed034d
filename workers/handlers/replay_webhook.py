"""`webhooks.replay`: what has happened is delivered to a webhook once more, as far back as events are kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from models.entities import Webhook
from models.errors import InvalidInput
from models.messages import REPLAY_WEBHOOK, Queue
from models.payloads import ReplayWebhook
from models.services.event_log import Position, last_position, position_of, reach, read_events
from models.services.frames import make_frame
from models.services.task_parts import NewPart, Outcome
from models.services.webhook_fanout import deliver
from models.unit_of_work import UnitOfWork
from workers.handling import Planned, Step

_EVENTS = 500
_WAKES = 4


class Range(NamedTuple):
    """Some of the log: behind one place, up to another."""

    after: Position
    until: Position


class ReplayWebhookHandler:
    """Cuts the log into ranges, an item each. Deliveries that there are already are sent again, as they are."""

    kind = REPLAY_WEBHOOK

    def plan(self, step: Step[ReplayWebhook]) -> Iterator[Planned]:
        """Find the ranges, up to where the log is now: what happens from then on is delivered anyway."""
        index, after, end = self._place(step)
        while after < end:
            with step.platform.reading() as uow:
                until = min(reach(uow, after, _EVENTS), end)
            if until <= after:
                return  # the rest has been removed
            part = NewPart([{"index": index, "after": list(after), "until": list(until)}])
            index, after = index + 1, until
            yield Planned([part], Outcome(), {"next": index, "after": list(after), "end": list(end)})

    @staticmethod
    def _place(step: Step[ReplayWebhook]) -> tuple[int, Position, Position]:
        """Give where the plan goes on: the next index, the place in the log, and its end."""
        if step.cursor is not None:
            return step.cursor["next"], Position(*step.cursor["after"]), Position(*step.cursor["end"])
        with step.platform.reading() as uow:
            since_id, end = step.payload.since_id, last_position(uow)
            after = Position() if since_id is None else position_of(uow, since_id)
        if after is None:
            raise InvalidInput("The event is not kept any more", code="event-gone")
        return 0, after, end

    def compute(self, step: Step[ReplayWebhook], items: list[dict[str, Any]]) -> list[Range]:
        """Say which ranges the part is about."""
        return [Range(Position(*item["after"]), Position(*item["until"])) for item in items]

    def apply(self, uow: UnitOfWork, step: Step[ReplayWebhook], ranges: list[Range]) -> Outcome:
        """Make the deliveries."""
        hook = uow.session.get(Webhook, step.payload.webhook_uuid)
        count = sum(self._deliver(uow, step, hook, each) for each in ranges) if hook and hook.active else 0
        uow.wake(Queue.WEBHOOKS, min(count, _WAKES))
        return Outcome(done=len(ranges), counts={"deliveries": count})

    @staticmethod
    def _deliver(uow: UnitOfWork, step: Step[ReplayWebhook], hook: Webhook, part: Range) -> int:
        since = step.payload.since or datetime.min.replace(tzinfo=UTC)
        wanted = [
            make_frame(each) for each in read_events(uow, part.after, _EVENTS)
            if each.position <= part.until and each.space_id == hook.space_id and each.occurred >= since
        ]  # fmt: skip
        return deliver(uow, step.platform.reading, hook, wanted, is_again=True)

    def finish(self, uow: UnitOfWork, step: Step[ReplayWebhook]) -> dict[str, Any]:
        """Say how many deliveries that were."""
        return {"deliveries": step.counts.get("deliveries", 0)}
