"""The shim that every child is started through: sets what only the child itself can set, then becomes the program.

Run as a file by `python -I -S`, so it may import nothing but the standard library. A `preexec_fn` would do the same,
but it runs Python between fork and exec of a process with threads, which can deadlock.

Arguments: the signal to get when the parent dies, the parent's process id, `uid:gid` or `-`, and the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""Source: linux/prctl.h."""


def main(arguments: list[str]) -> None:
    """Become the command."""
    stop_signal, parent, account, *command = arguments
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if account != "-":
        _become(*(int(part) for part in account.split(":")))
    _die_with(int(parent), int(stop_signal))
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error.strerror}")


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with(parent: int, stop_signal: int) -> None:
    """Ask the kernel for `stop_signal` on the parent's death: a killed supervisor leaves nothing running.

    Must come after a change of user, which clears the wish. Elsewhere than on Linux there is no such wish, and what a
    killed supervisor leaves is found at the next start.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, stop_signal)
    if os.getppid() != parent:
        sys.exit("the supervisor is gone")


if __name__ == "__main__":
    main(sys.argv[1:])
