"""The one log of `loom up`: a line of any child, with time, name and colour."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import datetime
from queue import Full, Queue
from threading import Thread

from honcho.colour import get_colours
from honcho.printer import Message, Printer

_LONGEST_BACKLOG = 10_000
_FLUSH_SECONDS = 2
OWN_NAME = "loom"


class _Descriptor:
    """Unbuffered output: with a buffered one, a stopped terminal would hold up the end of the interpreter."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: str) -> None:
        """Write all of it. A reader who went away is no reason to stop."""
        data = text.encode(errors="replace")
        with suppress(OSError):
            while data:
                data = data[os.write(self._descriptor, data) :]

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        """Whether colours are welcome."""
        return os.isatty(self._descriptor)


class Console:
    """Prints from a thread of its own, so a stopped or slow terminal blocks neither children nor the supervisor.

    Lines that do not fit the backlog are dropped, and their number is told.
    """

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        width = max(map(len, (*names, OWN_NAME)))
        self._printer = Printer(output=_Descriptor(sys.stdout.fileno()), width=width)
        self._colours = dict(zip((OWN_NAME, *names), get_colours(), strict=False))
        self._lines: Queue[tuple[str, str] | None] = Queue(_LONGEST_BACKLOG)
        self._dropped = 0
        self._thread = Thread(target=self._print, name="console", daemon=True)
        self._thread.start()

    def write_line(self, name: str, line: str) -> None:
        """Print a line of a child."""
        try:
            self._lines.put_nowait((name, line))
        except Full:
            self._dropped += 1

    def say(self, text: str) -> None:
        """Print what the supervisor itself has to tell."""
        self.write_line(OWN_NAME, text)

    def close(self) -> None:
        """Print what is left, unless the terminal is stuck."""
        with suppress(Full):
            self._lines.put(None, timeout=_FLUSH_SECONDS)
        self._thread.join(_FLUSH_SECONDS)

    def _print(self) -> None:
        while item := self._lines.get():
            self._print_line(*item)
            if self._dropped and self._lines.empty():
                self._print_line(OWN_NAME, f"{self._dropped} lines were dropped: the terminal was too slow")
                self._dropped = 0

    def _print_line(self, name: str, line: str) -> None:
        now = datetime.now().astimezone()
        self._printer.write(Message(type="line", data=line or " ", time=now, name=name, colour=self._colours.get(name)))
