"""How a process of Loom gives way to others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_AUTOGROUP = Path("/proc/self/autogroup")
_SCRIPT = f"""
import os
from models.niceness import give_way
give_way(12, session_niceness=7)
print(os.nice(0))
print(open({str(_AUTOGROUP)!r}).read())
"""


@pytest.mark.skipif(not _AUTOGROUP.exists(), reason="this kernel has no autogroups: it does not weigh sessions")
def test_niceness_counts_within_the_session_and_between_sessions() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, start_new_session=True
    )
    niceness, session = done.stdout.split("\n", 1)
    assert int(niceness) == 12
    assert session.strip().endswith("nice 7")
