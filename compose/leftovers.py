"""Engines that outlived the Loom which started them: found by where they work, not by files that may be stale.

A pid file can be truncated by a power cut, or name a process that has nothing to do with Loom. The working directory
of a process can do neither: both engines work in their data folder.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

import psutil

from models.errors import Unavailable

_PATIENCE_SECONDS = 5


def stop_leftovers(name: str, folder: Path, stop_signal: signal.Signals) -> None:
    """End every process called `name` that works in `folder`: politely, then by force.

    Raises:
        Unavailable: one of them does not die.
    """
    found = _working_in(name, folder)
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(stop_signal)
    _, stubborn = psutil.wait_procs(found, timeout=_PATIENCE_SECONDS)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=_PATIENCE_SECONDS)
    if left := _working_in(name, folder):
        raise Unavailable(f"{name} (process {left[0].pid}) still uses {folder} and cannot be ended")


def _working_in(name: str, folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name() == name and process.cwd() == str(folder.resolve()):
                found.append(process)
    return found
