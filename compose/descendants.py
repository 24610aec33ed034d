"""Processes that this one did not start itself: children of its dead children."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Collection
from contextlib import suppress

import psutil

_PR_SET_CHILD_SUBREAPER = 36
"""Source: linux/prctl.h."""
_PATIENCE_SECONDS = 2


def adopt_orphans() -> None:
    """Become the parent of every orphan below, so that none escapes: PostgreSQL puts each backend in its own session.

    Linux only. Elsewhere, process groups must do.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def bury_orphans(own: Collection[int]) -> None:
    """Reap the adopted that ended, as init would. Those in `own` keep their exit code for `subprocess`."""
    if sys.platform == "linux":
        with suppress(ChildProcessError):
            while (ended := _ended_child()) and ended not in own:
                os.waitpid(ended, 0)


def kill_orphans(own: Collection[int]) -> None:
    """Kill the adopted, with all below them, and reap them."""
    orphans = [child for child in psutil.Process().children() if child.pid not in own]
    doomed = [process for orphan in orphans for process in (orphan, *_below(orphan))]
    for process in doomed:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(doomed, timeout=_PATIENCE_SECONDS)
    bury_orphans(own)


def _ended_child() -> int | None:
    """Peek: a child that ended, left to be reaped."""
    ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return ended.si_pid if ended else None


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []
