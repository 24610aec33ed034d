"""How a process lets others go first."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_AUTOGROUP = Path("/proc/self/autogroup")


def give_way(niceness: int, session_niceness: int = 0) -> None:
    """Let other programs go first.

    Where Linux shares the cores out by session before it looks at processes (`sched_autogroup_enabled`), the niceness
    of a process counts only within its session, and each process of `loom up` has a session of its own.
    """
    os.nice(niceness)
    if session_niceness:
        with suppress(OSError):  # not Linux, no autogroups, or a container that keeps them read-only
            _AUTOGROUP.write_text(str(session_niceness))
