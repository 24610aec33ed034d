"""Run a command with engines of its own, which are gone after it.

For tools of development: `python -m compose.throwaway sh -c 'alembic upgrade head && alembic check'`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from compose.engines import destroy, running_engines
from models.home import Home

_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def main(command: list[str]) -> int:
    """Run the command, with LOOM_HOME set and no URL; gives its exit code."""
    with TemporaryDirectory(prefix="loom-") as folder:
        home = Home(Path(folder))
        try:
            with running_engines(home, _FAST):
                clean = ["env", "-u", "LOOM_DATABASE_URL", "-u", "LOOM_REDIS_URL", f"LOOM_HOME={folder}"]
                return subprocess.run([*clean, *command], check=False).returncode  # noqa: S603
        finally:
            destroy(home)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
