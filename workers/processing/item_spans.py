"""Where the items of a list lie in a stream of bytes: spans of whole items, found without keeping any.

A span of JSON is the inside of a list (`{…}, {…}`), one of NDJSON is lines. `items_of` gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from workers.processing.item_lists import LARGEST_ITEM, Item, Source, checked, read_line

SPAN_BYTES = 1024**2
_OPENING = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"assets"[ \t\r\n]*:[ \t\r\n]*\[')
_FIRST_KEY = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*("[^"\\]*")')
_BETWEEN = rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{[ \t\r\n]*%s)"
_WHITE = b" \t\r\n"
MOST_ITEMS = 20_000
"""In a span: more of them are smaller than any that says something, and would only fill the memory."""
_TRIES = 4
_MOST_BYTES = 4 * LARGEST_ITEM


class Span(NamedTuple):
    """So many items, one behind the other, in `size` bytes from `offset` on."""

    offset: int
    size: int
    items: int


class Unusual(Exception):
    """The list is not spelt as programs spell lists; it may be well formed all the same."""


def items_of(data: bytes, *, is_json: bool) -> list[Item]:
    """Give the items of a span."""
    if is_json:
        return [checked(value) for value in orjson.loads(b"[" + data + b"]")]
    return [item for line in data.split(b"\n") for item in read_line(line)]


def split_lines(source: Source, span_bytes: int = SPAN_BYTES) -> Iterator[Span]:
    """Yield the spans of NDJSON. Of a line that is too long, the span holds only so much that it still is."""
    offset, rest = 0, b""
    while data := source.read(span_bytes):
        rest += data
        end = rest.rfind(b"\n") + 1
        is_long = len(rest) - end > LARGEST_ITEM
        if end >= span_bytes or is_long:
            yield from _span_of_lines(offset, rest[:end])
            offset, rest = offset + end, rest[end:]
        if is_long:
            yield Span(offset, LARGEST_ITEM + 1, 1)
            passed, rest = _pass_line(source, rest, span_bytes)
            offset += passed
    yield from _span_of_lines(offset, rest)


def _pass_line(source: Source, rest: bytes, span_bytes: int) -> tuple[int, bytes]:
    """Read on to the end of a line; gives its length, and what was read of the next ones."""
    passed = 0
    while b"\n" not in rest:
        passed += len(rest)
        rest = source.read(span_bytes)
        if not rest:
            return passed, b""
    line, _, rest = rest.partition(b"\n")
    return passed + len(line) + 1, rest


def _span_of_lines(offset: int, data: bytes) -> Iterator[Span]:
    lines = data.split(b"\n")
    for start in range(0, len(lines), MOST_ITEMS):
        some = lines[start : start + MOST_ITEMS]
        size = sum(map(len, some)) + len(some) - 1
        count = sum(len(line) > LARGEST_ITEM or bool(line.strip()) for line in some)
        if count:
            yield Span(offset, size, count)
        offset += size + 1


def split_members(source: Source, span_bytes: int = SPAN_BYTES) -> Iterator[Span]:
    """Yield the spans of a JSON object with nothing but `assets`; when all have come, it is well formed.

    What is parsed as a list of whole items would be parsed as the same ones in its place, so a span may end wherever
    that succeeds. Where to try is a guess: before items that begin as the first one does.

    Raises:
        Unusual: when that leads nowhere, for whatever reason.
    """
    rest = source.read(span_bytes)
    opening = _OPENING.match(rest)
    if opening is None:
        raise Unusual
    offset, rest = opening.end(), rest[opening.end() :]
    first_key = _FIRST_KEY.match(rest)
    between = re.compile(_BETWEEN % re.escape(first_key[1])) if first_key else None
    while data := source.read(span_bytes):
        rest += data
        cut = _cut(rest, between) if between else None
        if cut is not None:
            size, count, following = cut
            yield Span(offset, size, count)
            offset, rest = offset + following, rest[following:]
        elif len(rest) > _MOST_BYTES:
            raise Unusual
    yield from _last_members(offset, rest)


def _cut(data: bytes, between: re.Pattern[bytes]) -> tuple[int, int, int] | None:
    """Find where an item ends near the end of what was read: how far, how many there are, and where the next begins."""
    for match in [*between.finditer(data)][: -_TRIES - 1 : -1]:
        end = match.start() + 1
        count = _count(data[:end])
        if count is not None and count <= MOST_ITEMS:
            return end, count, match.end()
    return None


def _last_members(offset: int, data: bytes) -> Iterator[Span]:
    members, _, tail = data.rpartition(b"]")
    count = _count(members)
    if tail.strip(_WHITE) != b"}" or count is None or count > MOST_ITEMS:
        raise Unusual
    if count:
        yield Span(offset, len(members), count)


def _count(members: bytes) -> int | None:
    """Count the members of the inside of a list; None if it is none."""
    try:
        return len(orjson.loads(b"[" + members + b"]"))
    except orjson.JSONDecodeError:
        return None
