"""The parent's side of the child process in which media are decoded: it is told what to do, waited for, and killed."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, LifoQueue
from threading import BoundedSemaphore
from types import TracebackType
from typing import Any, Self

from models.pipelines.outcomes import NodeState, Outcome, failed
from workers.media.wire import Gone, receive, send
from workers.nodes.base import Artifact

_START_SECONDS = 30.0
_MOST_USES = 1000
"""Decoders leak; so often a child is used before another takes its place."""


@dataclass(frozen=True)
class Request:
    """A node that is to look at the file that is open."""

    kind: str
    options: Mapping[str, Any]
    inputs: Mapping[str, Any]
    seconds: float
    mebibytes: int


class Sandbox:
    """One child. Not to be shared between threads."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "workers.media.child", str(theirs.fileno())]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        theirs.close()
        self._link = ours
        self.uses = 0
        self._await_ready()

    @property
    def is_worn(self) -> bool:
        """Whether another should take its place."""
        return self.uses >= _MOST_USES or self._process.poll() is not None

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def _await_ready(self) -> None:
        self._link.settimeout(_START_SECONDS)
        try:
            receive(self._link)
        except (Gone, TimeoutError):
            self.close()
            raise

    def open(self, descriptor: int, mime_type: str, filename: str) -> None:
        """Let it look at a file from now on.

        Raises:
            Gone: when the child is gone.
        """
        self.uses += 1
        self._link.settimeout(_START_SECONDS)
        send(self._link, {"open": {"mimeType": mime_type, "filename": filename}}, descriptors=(descriptor,))

    def run(self, request: Request) -> tuple[Outcome, int]:
        """Run a node; gives what became of it, and the milliseconds that it took.

        Raises:
            Gone: when that has ended the child; the message says how.
        """
        self._link.settimeout(request.seconds)
        asked = {
            "kind": request.kind, "options": request.options, "inputs": request.inputs, "memory": request.mebibytes,
        }  # fmt: skip
        try:
            send(self._link, asked)
            answer, blobs, _ = receive(self._link)
        except TimeoutError:
            self.close()
            raise Gone(f"It took more than {request.seconds:g} s") from None
        except Gone:
            raise Gone(self._say_how_it_ended()) from None
        return _read_answer(answer, blobs)

    def _say_how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        code = self._process.poll()
        self.close()
        return "The decoder answered nonsense" if code is None else f"The decoder died (code {code})"

    def close(self) -> None:
        """End the child, whatever it does."""
        self._link.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def _read_answer(answer: Mapping[str, Any], blobs: list[bytes]) -> tuple[Outcome, int]:
    try:
        outputs = {port: _read_value(value, blobs) for port, value in answer["outputs"].items()}
        outcome = Outcome(NodeState(answer["state"]), outputs, answer["message"])
        return outcome, int(answer["ms"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return failed("The decoder answered nonsense"), 0


def _read_value(value: Mapping[str, Any], blobs: list[bytes]) -> Any:
    if "blob" not in value:
        return value["value"]
    return Artifact(blobs[value["blob"]], str(value["mimeType"]), str(value["filename"]), str(value["type"]))


@dataclass
class Sandboxes:
    """The children of a process, so many at most; idle ones wait for the next file."""

    most: int
    _idle: LifoQueue[Sandbox] = field(default_factory=LifoQueue)

    def __post_init__(self) -> None:
        """Count from the beginning."""
        self._places = BoundedSemaphore(self.most)

    @contextmanager
    def borrow(self) -> Iterator[Sandbox]:
        """Give a child for one file; a worn or dead one is replaced."""
        with self._places:
            sandbox = self._take()
            try:
                yield sandbox
            except BaseException:
                sandbox.close()
                raise
            if sandbox.is_worn:
                sandbox.close()
            else:
                self._idle.put(sandbox)

    def _take(self) -> Sandbox:
        with suppress(Empty):
            sandbox = self._idle.get_nowait()
            if not sandbox.is_worn:
                return sandbox
            sandbox.close()
        return Sandbox()

    def close(self) -> None:
        """End all that are idle."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
