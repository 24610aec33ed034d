"""Follows the log of events for webhooks: in each process that delivers, of which one at a time does it."""

from __future__ import annotations

from threading import Event, Thread

from sqlalchemy.exc import SQLAlchemyError

from models.logs import get_logger
from models.services.webhook_fanout import Turn, fan_out
from models.wiring import Platform

_RING_SECONDS = 0.5
_REST_SECONDS = 0.1
"""Between two looks: events that happen one after the other are taken together."""
_IDLE_SECONDS = 1.0
"""Where there are no webhooks, nobody minds."""
_TROUBLE_SECONDS = 1.0

logger = get_logger(__name__)


class Announcer:
    """A thread that makes deliveries of events as they happen."""

    def __init__(self, platform: Platform, stopping: Event) -> None:
        self._platform = platform
        self._stopping = stopping
        self._thread = Thread(target=self._run, name="webhook-announcer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Wait until it has seen that the process stops."""
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            turn = self._turn()
            if turn is Turn.NO_WEBHOOKS:
                self._stopping.wait(_IDLE_SECONDS)
            elif turn is Turn.DONE:
                self._stopping.wait(_REST_SECONDS)
                self._platform.bus.wait_for_ring(_RING_SECONDS)

    def _turn(self) -> Turn:
        try:
            with self._platform.unit_of_work() as uow:
                turn = fan_out(uow, self._platform.reading)
                uow.commit()
        except SQLAlchemyError as error:
            logger.warning("webhooks wait: the database is away", reason=type(error).__name__)
            self._stopping.wait(_TROUBLE_SECONDS)
            return Turn.DONE
        except Exception:
            logger.exception("webhooks wait: an event could not be told")
            self._stopping.wait(_TROUBLE_SECONDS)
            return Turn.DONE
        return turn
