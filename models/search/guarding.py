"""Tantivy's ways to fail, as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from models.search.port import IndexBroken, IndexBusy

_LOCKED = "LockBusy"


@contextmanager
def guarded() -> Iterator[None]:
    """Turn what tantivy raises into IndexBroken or IndexBusy.

    It raises ValueError for nearly everything; a Rust panic arrives as a PanicException, which cannot be imported
    and is no Exception.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        if _LOCKED in str(error):
            raise IndexBusy("Another process writes to the text index") from error
        raise IndexBroken(f"The text index failed: {error}") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise IndexBroken(f"The text index failed: {error}") from error
        raise
