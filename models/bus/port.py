"""What Loom needs of a message bus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class WorkerState(StrEnum):
    """What a worker process was told last, and how far it is with that."""

    ONLINE = "ONLINE"
    PAUSED = "PAUSED"
    """It takes nothing more; what it has it brings to its end."""
    DRAINING = "DRAINING"
    """It takes nothing more, and hands back what it has as soon as that can be left ..."""
    DRAINED = "DRAINED"
    """... which it has done: it may be ended without anybody noticing."""
    TERMINATING = "TERMINATING"


class Order(StrEnum):
    """What a worker process can be told."""

    PAUSE = "pause"
    RESUME = "resume"
    DRAIN = "drain"


@dataclass(frozen=True)
class WorkerInfo:
    """A worker process that announced itself within the last seconds."""

    name: str
    queues: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    """Kinds of node that it has beside those that are built in."""
    host: str = ""
    running: int = 0
    """Parts that it works on."""
    load: float = 0.0
    """Of its host: the mean number of runnable processes of the last minute for each core."""
    started: float = 0.0
    seen: float = 0.0
    """When it started and when it announced itself, in seconds since 1970."""
    state: WorkerState = WorkerState.ONLINE


class Bus(Protocol):
    """A lossy, fast message bus. Sending never raises: a lost message only costs time."""

    def wake(self, queue: str, count: int = 1) -> None:
        """Make up to `count` idle workers of the queue look for work."""

    def count_wakes(self, queue: str) -> int | None:
        """Count the wake-ups that no worker has taken yet; None when the bus is out of reach."""

    def ring(self) -> None:
        """Tell the relay that there are new events."""

    def wait_for_ring(self, seconds: float) -> None:
        """Return at the next ring, or after that many seconds."""

    def publish(self, frame: dict[str, Any]) -> None:
        """Send a frame to every web process that listens now."""

    def listen(self, timeout_seconds: float) -> Iterator[dict[str, Any] | None]:
        """Yield frames as they come, and None after each silence of that length.

        The first value, and the first after every loss of the connection, is None: frames may have been missed.
        """

    def announce(self, worker: WorkerInfo, seconds: int) -> Order | None:
        """Be known as alive for that long; gives what this worker was told last, once."""

    def withdraw(self, name: str) -> None:
        """Be known as alive no more."""

    def workers(self) -> Sequence[WorkerInfo] | None:
        """Tell who announced itself; None when the bus is out of reach."""

    def order(self, name: str, order: Order, seconds: int) -> bool:
        """Tell a worker something, which it hears when it announces itself; False when the bus is out of reach."""

    def attempts(self, key: str, window_seconds: int) -> int:
        """Count this call among those with the same key in the window; 0 when the bus is out of reach."""

    def take_back_attempt(self, key: str) -> None:
        """Do not count the last call after all."""

    def forget_attempts(self, key: str) -> None:
        """Start the count of the key anew."""

    def close(self) -> None:
        """Let go of the connections."""
