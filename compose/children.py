"""One child process: what to run, its output, its end. Who runs when is the supervisor's business."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

_SHIM = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")))
_LONGEST_LINE = 64 * 1024
_REMEMBERED_LINES = 15

WriteLine = Callable[[str, str], None]
"""Takes the name of a child and one line of its output; must not block."""


@dataclass(frozen=True)
class Account:
    """The user that a program runs as."""

    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


def _nothing() -> None:
    pass


def _always() -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, how to tell that it is ready, how to end it."""

    name: str
    command: tuple[str, ...]
    """The first is an absolute path."""
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    """None: the same user."""
    environment: Mapping[str, str] | None = None
    """None: the same environment."""
    prepare: Callable[[], None] = _nothing
    """Called before every start, also after a crash."""
    is_ready: Callable[[], bool] = _always
    """Polled after the start; answers within about a second."""
    ready_timeout_seconds: float = 120
    one_shot: bool = False
    """Runs to its end, and is ready when it ended well."""


class Child:
    """A program that runs or ran, as leader of its own session, so that Ctrl-C in a terminal does not reach it.

    Start it from the main thread: the kernel ties its life to the thread that forked it.
    """

    def __init__(self, program: Program, write_line: WriteLine) -> None:
        self.program = program
        self._write_line = write_line
        self._tail: deque[str] = deque(maxlen=_REMEMBERED_LINES)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: Thread | None = None
        self._is_buried = True

    @property
    def name(self) -> str:
        """What people call it."""
        return self.program.name

    @property
    def pid(self) -> int | None:
        """The process, until it is reaped."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def exit_code(self) -> int | None:
        """As `subprocess` tells it: negative for a signal, None while it runs or before it ever did."""
        return self._process.returncode if self._process else None

    @property
    def is_ready(self) -> bool:
        """Whether what comes after it may start."""
        if self.program.one_shot:
            return self.exit_code == 0
        return self.pid is not None and self.program.is_ready()

    @property
    def was_killed(self) -> bool:
        """Whether somebody ended it by force: a person, or a kernel that is short of memory."""
        return self.exit_code == -signal.SIGKILL

    @property
    def ending(self) -> str:
        """How it ended, for people."""
        code = self.exit_code or 0
        with suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with code {code}"

    @property
    def last_lines(self) -> str:
        """The end of its output, indented; empty without output."""
        if self.pid is None:
            self.hear_out(1)
        return "".join(f"\n    {line}" for line in self._tail.copy())

    def hear_out(self, timeout_seconds: float) -> None:
        """Wait until all that it printed is passed on. Who outlives it with its pipe open may go on for longer."""
        if self._reader:
            self._reader.join(max(0, timeout_seconds))

    def start(self) -> None:
        """Prepare and start it."""
        self.program.prepare()
        self._tail.clear()
        self._process = subprocess.Popen(  # noqa: S603
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.program.environment,
            start_new_session=True,
        )
        self._is_buried = False
        self._reader = Thread(target=self._read, args=(self._process.stdout,), name=f"read-{self.name}", daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Ask it to end; its own children are its business."""
        self._signal(os.kill, self.program.stop_signal)

    def kill(self) -> None:
        """End it and its process group at once."""
        self._signal(os.killpg, signal.SIGKILL)

    def has_ended(self) -> bool:
        """Reap it if it ended. What it left of its process group is then killed."""
        if self._process is None or self._is_buried:
            return True
        if self._process.poll() is None:
            return False
        self._is_buried = True
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return True

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for its end; False if it still runs."""
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_seconds)
        return self.has_ended()

    def _command(self) -> list[str]:
        shim = [*_SHIM, str(int(self.program.stop_signal)), str(os.getpid()), str(self.program.account or "-")]
        return [*shim, *self.program.command]

    def _signal(self, send: Callable[[int, int], None], number: int) -> None:
        if (pid := self.pid) is not None:
            with suppress(ProcessLookupError):
                send(pid, number)

    def _read(self, stream: IO[bytes]) -> None:
        """Pass lines on until the last process that holds the pipe is gone."""
        with stream:
            for line in iter(lambda: stream.readline(_LONGEST_LINE), b""):
                text = line.decode(errors="replace").rstrip("\r\n")
                self._tail.append(text)
                self._write_line(self.name, text)
