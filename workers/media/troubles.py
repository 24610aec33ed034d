"""What can be wrong with a file, said in one way whatever library has found it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zlib import error as zlib_error

_LONGEST = 300


class Undecodable(Exception):
    """The file is not what it says, or broken; says in what way."""


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Turn whatever decoders raise about a file into one error that says what could not be done.

    Raises:
        Undecodable: when anything is wrong, but for memory that ran out.
    """
    try:
        yield
    except (Undecodable, MemoryError):
        raise
    except (OSError, ValueError, SyntaxError, LookupError, TypeError, EOFError, ArithmeticError, RuntimeError,
            AttributeError, zlib_error) as error:  # fmt: skip
        raise Undecodable(f"{what}: {error or type(error).__name__}"[:_LONGEST]) from None
