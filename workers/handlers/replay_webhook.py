"""`webhooks.replay`: what has happened is delivered to a webhook once more, as far back as events are kept."""

from __future__ import annotations

from datetime import UTC, datetime

from models.entities import Webhook
from models.errors import InvalidInput
from models.messages import REPLAY_WEBHOOK, Queue
from models.payloads import ReplayWebhook
from models.services.event_log import Position, last_position, position_of, read_events
from models.services.frames import make_frame
from models.services.task_parts import Outcome
from models.services.webhook_fanout import deliver
from models.unit_of_work import UnitOfWork
from workers.handling import Step

_EVENTS = 500
_WAKES = 4


class ReplayWebhookHandler:
    """Makes deliveries event by event. One that there is already is sent again, with the same id."""

    kind = REPLAY_WEBHOOK

    def compute(self, step: Step[ReplayWebhook]) -> int:
        """Make the deliveries, in small transactions; gives how many."""
        with step.platform.unit_of_work() as uow:
            end, position = last_position(uow), self._begin(uow, step.payload)
        since = step.payload.since or datetime.min.replace(tzinfo=UTC)
        count = 0
        while position < end:
            step.check()
            with step.platform.unit_of_work() as uow:
                hook = uow.session.get(Webhook, step.payload.webhook_uuid)
                events = read_events(uow, position, _EVENTS)
                if hook is None or not hook.active or not events:
                    return count
                position = events[-1].position
                wanted = [
                    make_frame(each) for each in events
                    if each.space_id == hook.space_id and each.occurred >= since and each.position <= end
                ]  # fmt: skip
                count += deliver(uow, step.platform.reading, hook, wanted, is_again=True)
                uow.wake(Queue.WEBHOOKS, _WAKES)
                uow.commit()
        return count

    @staticmethod
    def _begin(uow: UnitOfWork, payload: ReplayWebhook) -> Position:
        if payload.since_id is None:
            return Position()
        position = position_of(uow, payload.since_id)
        if position is None:
            raise InvalidInput("The event is not kept any more", code="event-gone")
        return position

    def apply(self, uow: UnitOfWork, step: Step[ReplayWebhook], count: int) -> Outcome:
        """Report."""
        return Outcome(done=1, result={"deliveries": count})

    def clean_up(self, step: Step[ReplayWebhook], count: int) -> None:
        """Nothing is left over."""
