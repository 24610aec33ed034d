"""Dramatiq's own command, which forks its workers after all that they need is loaded: once, and shared by them."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

from dramatiq import cli


def main() -> int:
    """Load, then be Dramatiq's command; gives its exit code."""
    gc.disable()
    import_module("workers.handlers")
    gc.freeze()  # a collection in a worker must not write to pages that are shared
    return int(cli.main())


if __name__ == "__main__":
    sys.exit(main())
