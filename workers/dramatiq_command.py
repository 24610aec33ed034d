"""Dramatiq's own command, which forks its workers after all that they need is loaded: once, and shared by them."""

from __future__ import annotations

import gc
import sys

from dramatiq.cli import main

import workers.handlers  # noqa: F401 - loaded for those that are forked

if __name__ == "__main__":
    gc.freeze()  # a collection in a worker must not write to pages that are shared
    sys.exit(main())
