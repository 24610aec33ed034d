"""As `search`, with a million documents."""

from __future__ import annotations

from tests.bench.search import measure

DOCUMENTS = 1_000_000


def main() -> None:
    """Print the ratios."""
    measure(DOCUMENTS)
