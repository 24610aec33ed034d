"""Dramatiq's own command, which forks its workers after all that they need is loaded: once, and shared by them."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

from dramatiq import cli

from models.niceness import give_way
from models.settings import Settings


def main() -> int:
    """Load, then be Dramatiq's command; gives its exit code."""
    gc.disable()
    import_module("workers.handlers")
    # Only now: who gives way while it loads may load for minutes where cores are short.
    nice = Settings.from_env().worker_nice
    give_way(nice, session_niceness=nice // 2)
    gc.freeze()  # a collection in a worker must not write to pages that are shared
    return int(cli.main())


if __name__ == "__main__":
    sys.exit(main())
