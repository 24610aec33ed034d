"""The broker of a worker process: a consumer for each queue it serves, and no more."""

from __future__ import annotations

from models.messages import Queue
from models.wiring import Platform
from workers.broker import make_broker
from workers.handlers import HANDLERS
from workers.runtime import Runtime


def test_nobody_polls_for_delayed_messages(platform: Platform) -> None:
    broker = make_broker(Runtime(platform, tuple(Queue), HANDLERS))
    assert broker.get_declared_queues() == set(Queue)
    assert not broker.get_declared_delay_queues()
