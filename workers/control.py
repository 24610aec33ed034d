"""What a worker process was told: to go on, to take nothing more, to hand back what it has, to end."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from models.bus import Order, WorkerState
from models.logs import get_logger

logger = get_logger(__name__)


class Control:
    """Heard by all that runs in one worker process. Orders die with the process: a new one is online."""

    def __init__(self) -> None:
        self.stopping = Event()
        """The process is about to end."""
        self.handing_back = Event()
        """What runs is to be left where that can be done, for others to go on with."""
        self.is_paused = False
        self.on_change: Callable[[], None] = lambda: None
        """Called after a change of `is_paused`."""

    def stop(self) -> None:
        """Take nothing more, and hand back what runs."""
        self.stopping.set()
        self.handing_back.set()

    def obey(self, order: Order) -> None:
        """Do as told."""
        logger.info("told by an operator", order=str(order))
        self.is_paused = order is not Order.RESUME
        if order is Order.DRAIN:
            self.handing_back.set()
        else:
            self.handing_back.clear()
        if self.stopping.is_set():
            self.handing_back.set()  # looked at last: the process may be told to end at any moment
        self.on_change()

    def state(self, running: int) -> WorkerState:
        """Tell how far it is, with so much that still runs."""
        if self.stopping.is_set():
            return WorkerState.TERMINATING
        if not self.is_paused:
            return WorkerState.ONLINE
        if not self.handing_back.is_set():
            return WorkerState.PAUSED
        return WorkerState.DRAINING if running else WorkerState.DRAINED
