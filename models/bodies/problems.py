"""What is wrong with a body, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from models.ids import printable

_MOST_PROBLEMS = 5


def describe_problems(messages: Any) -> str:
    """Name the first fields that marshmallow's messages are about; their outermost key is the place in the request."""
    return "; ".join(islice(_problems(messages), _MOST_PROBLEMS))


def _problems(messages: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Flatten nested messages."""
    if isinstance(messages, dict):
        for key, value in messages.items():
            yield from _problems(value, (*path, printable(str(key))))
        return
    name = ".".join(part for part in path[1:] if part != "_schema")
    for message in messages if isinstance(messages, list) else [messages]:
        yield f"{name}: {message}" if name else str(message)
