"""The parent's side of the child process in which media are decoded: it is told what to do, waited for, and killed."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import LifoQueue
from typing import Any
from weakref import finalize

from models.ids import printable
from models.pipelines.outcomes import NodeState, Outcome, failed
from workers.media.wire import Died, Gone, receive, send
from workers.nodes import NODES
from workers.nodes.base import Artifact

_START_SECONDS = 30.0
_LONGEST_MESSAGE = 300
_MOST_USES = 1000
"""Decoders leak; after so many files another child takes the place."""
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Request:
    """A node that is to look at the file that is open."""

    kind: str
    options: Mapping[str, Any]
    inputs: Mapping[str, Any]
    seconds: float
    mebibytes: int


class Sandbox:
    """A place for one child, which is started when it is needed. Not to be shared between threads."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._uses = 0

    @property
    def pid(self) -> int | None:
        """The child's process id, if there is one."""
        return self._process.pid if self._process else None

    def open(self, descriptor: int, mime_type: str, filename: str) -> None:
        """Let a child look at a file from now on.

        Raises:
            Gone: when none can be started.
        """
        if self._uses >= _MOST_USES:
            self.close()
        self._uses += 1
        opening = {"open": {"mimeType": mime_type, "filename": filename}}
        try:
            send(self._living(), opening, descriptors=(descriptor,))
        except Gone:  # the one that was idle has died meanwhile
            self.close()
            send(self._living(), opening, descriptors=(descriptor,))

    def _living(self) -> socket.socket:
        if self._link is None:
            self._start()
        assert self._link is not None
        self._link.settimeout(_START_SECONDS)
        return self._link

    def _start(self) -> None:
        self._link, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "workers.media.child", str(theirs.fileno())]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=_ROOT
        )
        theirs.close()
        self._uses = 0
        self._link.settimeout(_START_SECONDS)
        try:
            receive(self._link)
        except (Gone, TimeoutError) as error:
            self.close()
            raise Gone(f"The decoder does not start: {error}") from None

    def run(self, request: Request) -> tuple[Outcome, int]:
        """Run a node on the file that is open; gives what became of it, and the milliseconds that it took.

        Raises:
            Gone: when that has ended the child; the message says how. The file is not open any more. `Died`, when
                nobody here has ended it.
        """
        assert self._link is not None
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
            raise Died(self._say_how_it_ended()) from None
        return _read_answer(request, answer, blobs)

    def _say_how_it_ended(self) -> str:
        assert self._process is not None
        process = self._process
        with suppress(subprocess.TimeoutExpired):
            process.wait(2)
        code = process.poll()
        self.close()
        return "The decoder answered nonsense" if code is None else f"The decoder died (code {code})"

    def close(self) -> None:
        """End the child, whatever it does."""
        if self._link is not None:
            self._link.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._link = None


def _read_answer(request: Request, answer: Mapping[str, Any], blobs: list[bytes]) -> tuple[Outcome, int]:
    """Read what the child says. It can lie about what it has seen, but not give what no node of this kind gives."""
    try:
        outputs = {port: _read_value(request, port, value, blobs) for port, value in answer["outputs"].items()}
        told = None if answer["message"] is None else printable(str(answer["message"]), _LONGEST_MESSAGE)
        outcome = Outcome(NodeState(answer["state"]), outputs, told)
        return outcome, int(answer["ms"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return failed("The decoder answered nonsense"), 0


def _read_value(request: Request, port: str, value: Mapping[str, Any], blobs: list[bytes]) -> Any:
    made = NODES[request.kind].makes.get(port)
    if made is None:
        return value["value"]
    places = value.get("blobs")
    return Artifact(blobs[value["blob"]], made) if places is None else [Artifact(blobs[at], made) for at in places]


class Sandboxes:
    """The children of a worker process: so many at most. Whoever takes one gives it back."""

    def __init__(self, most: int) -> None:
        self._free: LifoQueue[Sandbox] = LifoQueue()
        self._all = [Sandbox() for _ in range(most)]
        for sandbox in self._all:
            self._free.put(sandbox)
        finalize(self, _close_all, self._all)

    @contextmanager
    def borrow(self) -> Iterator[Sandbox]:
        """Give one for an item, when one is free."""
        sandbox = self._free.get()
        try:
            yield sandbox
        finally:
            self._free.put(sandbox)

    def close(self) -> None:
        """End all of them."""
        _close_all(self._all)


def _close_all(sandboxes: Iterable[Sandbox]) -> None:
    for sandbox in sandboxes:
        sandbox.close()
