"""The version of Loom that runs."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def _find() -> str:
    try:
        return version("loom-ingest")
    except PackageNotFoundError:
        return "unknown"


VERSION = _find()
