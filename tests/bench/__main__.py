"""`make bench`: every benchmark, or those named. Each prints ratios against a floor measured in the same run."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

NAMES = sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py"))


def main() -> None:
    """Run the benchmarks named on the command line, or all."""
    chosen = sys.argv[1:] or NAMES
    unknown = set(chosen) - set(NAMES)
    if unknown:
        sys.exit(f"No such benchmark: {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    for name in chosen:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"tests.bench.{name}").main()


if __name__ == "__main__":
    main()
