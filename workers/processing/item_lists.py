"""Items of lists: a JSON object whose `assets` they are, or NDJSON, an item a line.

What is wrong with one item costs only that item, unless nobody can tell then where the next begins. Here is what an
item may be, and how any JSON is read one by one in memory bounded by the largest item; what programs send is mostly
split faster (`item_spans`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import ijson
import orjson

from models.errors import InvalidInput

LARGEST_ITEM = 1024**2
_KEY = "assets"
_READ_BYTES = 256 * 1024
_DEEPEST = 100
_BEGINS, _ENDS = frozenset({"start_map", "start_array"}), frozenset({"end_map", "end_array"})
Event = tuple[str, Any]
_NUL = b"\\u0000"


class Source(Protocol):
    """A stream to be read from where it is."""

    def read(self, size: int, /) -> bytes:
        """Give up to so many bytes; none at the end only."""


class Item(NamedTuple):
    """One item: what it is, or what is wrong with it (a code and a sentence). `size` is that of its JSON."""

    value: Any
    problem: tuple[str, str] | None
    size: int


def read_line(line: bytes) -> Iterator[Item]:
    """Yield the item of a line of NDJSON; an empty one has none."""
    if len(line) > LARGEST_ITEM:
        yield _TOO_LARGE
    elif line.strip():
        try:
            yield checked(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            yield Item(None, ("bad-json", f"The line is not valid JSON: {error.msg}"), 0)


def iter_members(source: Source) -> Iterator[Item]:
    """Yield the items of a JSON object.

    Raises:
        InvalidInput: when it is none, has no such list, or an item is far too large or deep to be passed over.
    """
    bounded = _Bounded(source)
    try:
        events = ijson.basic_parse(bounded, use_float=True, buf_size=_READ_BYTES)
        for value in _find_list(events):
            bounded.begin_item()
            yield checked(value)
    except ijson.JSONError as error:
        raise InvalidInput(f"The body is not valid JSON: {str(error).splitlines()[0][:120]}", code="bad-json") from None


def _find_list(events: Iterator[Event]) -> Iterator[Any]:
    """Yield what is in the list of that name of the outermost object; go through all that stands around it."""
    is_list, depth, key = False, 0, None
    for event, value in events:
        depth += (event in _BEGINS) - (event in _ENDS)
        _require_shallow(depth)
        if depth == 1 and event == "map_key":
            key = value
        elif depth == 2 and event == "start_array" and key == _KEY:  # noqa: PLR2004 - right below the outermost object
            is_list, depth, key = True, 1, None
            yield from _read_list(events)
    if not is_list:
        raise InvalidInput(f"{_KEY}: Missing data for required field.", code="validation")


def _read_list(events: Iterator[Event]) -> Iterator[Any]:
    for event, value in events:
        if event == "end_array":
            return
        yield _read_value(events, event, value) if event in _BEGINS else value


def _read_value(events: Iterator[Event], event: str, value: Any) -> Any:
    builder = ijson.ObjectBuilder()
    builder.event(event, value)
    depth = 1
    for inner, scalar in events:
        builder.event(inner, scalar)
        depth += (inner in _BEGINS) - (inner in _ENDS)
        _require_shallow(depth)
        if not depth:
            break
    return builder.value


def _require_shallow(depth: int) -> None:
    if depth > _DEEPEST:
        raise InvalidInput(f"The body is nested deeper than {_DEEPEST} times", code="validation")


def checked(value: Any) -> Item:
    """Refuse what no column could hold: the rest of the checks is made where there is time."""
    try:
        spelt = orjson.dumps(value)
    except (TypeError, ValueError):
        return Item(None, ("validation", "Holds a number or characters that cannot be stored."), 0)
    if len(spelt) > LARGEST_ITEM:
        return _TOO_LARGE
    if _NUL in spelt:
        return Item(None, ("validation", "Holds characters that cannot be stored."), 0)
    if not isinstance(value, dict):
        return Item(None, ("validation", "Is not an object."), 0)
    return Item(value, None, len(spelt))


_TOO_LARGE = Item(None, ("item-too-large", f"An item may have {LARGEST_ITEM} bytes at most"), 0)


class _Bounded:
    """A source that stops when an item does not end: nobody holds more than a few of the largest in memory."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left = 4 * LARGEST_ITEM

    def begin_item(self) -> None:
        self._left = 4 * LARGEST_ITEM

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise InvalidInput(f"An item may have {LARGEST_ITEM} bytes at most", code="item-too-large")
        return data
