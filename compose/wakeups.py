"""Signals as something to wait for: no code of ours runs inside a signal handler."""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType, TracebackType
from typing import Any, Self

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_WATCHED = STOP_SIGNALS | {signal.SIGCHLD}
_ENOUGH = 4096


class Wakeups:
    """While entered, signals and ended children only end a `wait`. For the main thread."""

    def __enter__(self) -> Self:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._old_handlers: dict[signal.Signals, Any] = {
            number: signal.signal(number, _ignore) for number in sorted(_WATCHED)
        }
        self._old_descriptor = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.set_wakeup_fd(self._old_descriptor)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        self._sender.close()
        self._receiver.close()

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for a signal; True if one of them asks to stop."""
        readable, _, _ = select.select([self._receiver], [], [], max(0, timeout_seconds))
        received = self._receiver.recv(_ENOUGH) if readable else b""
        return bool(STOP_SIGNALS.intersection(received))


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Python writes the number to the wakeup descriptor; that is all that is wanted."""
