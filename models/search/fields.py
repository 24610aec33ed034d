"""What can be asked of single fields: `camera:leica`, `size>10MB`, `taken:2024-05..2024-07`, `near:52.5,13.4,10km`.

A value is read here, once, whatever field of the index it is held against later.
"""

from __future__ import annotations

import math
import re
from calendar import isleap, monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.search.circles import Strip, read_circle
from models.search.words import fact_words, split_words

WORDS = frozenset({
    "camera", "lens", "artist", "title", "album", "author", "genre", "codec", "copyright", "software", "city",
    "country", "keyword", "format", "language",
})  # fmt: skip
"""Facts whose words are asked for."""
PLACES = frozenset({"name", "path", "text", "comment", "annotation"})
"""Parts of a document whose words are asked for."""
EXACT = frozenset({"tag", "type", "ext", "year"})
NUMBERS = frozenset({"width", "height", "duration", "fps", "bitrate", "iso", "aperture", "focal", "pages"})
"""Facts that are numbers: pixels, seconds, a second, bits a second, ISO, f-number, millimetres."""
MOMENTS = frozenset({"taken", "seen"})
NAMES = WORDS | PLACES | EXACT | NUMBERS | MOMENTS | {"size", "near"}

_UNITS = {"": 1, "B": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_SIGN = re.compile(r"(<=|>=|<|>|=)?(.*)", re.DOTALL)
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*(?:([KMGT])?B?)", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?")
_SPAN = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,6})?)s?)?", re.IGNORECASE)
_MOMENT = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?)?)?)?Z?", re.IGNORECASE)


@dataclass(frozen=True)
class WordsAsked:
    """Words of a field, which must follow each other."""

    field: str
    words: tuple[str, ...]
    is_prefix: bool = False
    is_negated: bool = False


@dataclass(frozen=True)
class ValueAsked:
    """A value that a field must have."""

    field: str
    value: str
    is_negated: bool = False


@dataclass(frozen=True)
class RangeAsked:
    """Where a number must lie, both bounds included: bytes of `size`, seconds since the epoch of moments."""

    field: str
    least: float | None
    most: float | None
    is_negated: bool = False


@dataclass(frozen=True)
class NearAsked:
    """A circle on the map."""

    strips: tuple[Strip, ...]
    is_negated: bool = False


FieldAsked = WordsAsked | ValueAsked | RangeAsked | NearAsked


def read_field(name: str, text: str, *, is_quoted: bool, is_negated: bool) -> FieldAsked:
    """Understand what is asked of a field.

    Raises:
        ValueError: saying what could be said instead.
    """
    if name == "near":
        return NearAsked(read_circle(text), is_negated)
    if name in EXACT:
        return ValueAsked(name, _exact(name, text), is_negated)
    if name in WORDS or name in PLACES:
        return _words(name, text, is_quoted=is_quoted, is_negated=is_negated)
    least, most = _range(text, *_READERS[name])
    if least is not None and most is not None and least > most:
        raise ValueError("it ends before it begins")
    return RangeAsked(name, least, most, is_negated)


def _exact(name: str, text: str) -> str:
    value = text.casefold().strip()
    if not value:
        raise ValueError("say what it must be")
    return value.lstrip(".") if name == "ext" else value


def _words(name: str, text: str, *, is_quoted: bool, is_negated: bool) -> WordsAsked:
    is_prefix = text.endswith("*") and not is_quoted
    words = tuple(fact_words(text) if name in WORDS else split_words(text))
    if not words:
        raise ValueError("say a word")
    return WordsAsked(name, words, is_prefix, is_negated)


Bounds = tuple[float, float]
"""The least and the last of what a text stands for: a year is all of its moments."""


def _range(text: str, read: Callable[[str], Bounds], before: float, example: str) -> tuple[float | None, float | None]:
    """Read `x`, `<x`, `x..y`, `x..` or `..y`; `before` is the step to what lies before or behind."""
    start, dots, end = text.partition("..")
    try:
        if dots and (start or end):
            return (read(start)[0] if start else None), (read(end)[1] if end else None)
        found = _SIGN.fullmatch(text)
        assert found is not None
        least, most = read(found[2])
    except (ValueError, OverflowError):
        raise ValueError(f"say {example}") from None
    bounds = {
        "<": (None, _next(least, -before)), "<=": (None, most), ">": (_next(most, before), None), ">=": (least, None),
    }  # fmt: skip
    return bounds.get(found[1] or "=", (least, most))


def _next(value: float, step: float) -> float:
    return value + step if step in (1, -1) else math.nextafter(value, math.copysign(math.inf, step))


def _size(text: str) -> Bounds:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError
    size = float(int(float(found[1]) * _UNITS[(found[2] or "").upper()]))
    return size, size


def _number(text: str) -> Bounds:
    if _NUMBER.fullmatch(text.strip()) is None:
        raise ValueError
    return float(text), float(text)


def _span(text: str) -> Bounds:
    found = _SPAN.fullmatch(text.strip())
    if found is None or not found[0]:
        raise ValueError
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return (hours * 3600 + minutes * 60 + seconds,) * 2


def _moment(text: str) -> Bounds:
    """Read a year, a month, a day, a minute or a second, in UTC."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError
    year, month, day, hour, minute, second = (None if part is None else int(part) for part in found.groups())
    start = datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=UTC)
    if month is None:
        length = timedelta(days=366 if isleap(start.year) else 365)
    elif day is None:
        length = timedelta(days=monthrange(start.year, start.month)[1])
    elif hour is None:
        length = timedelta(days=1)
    else:
        length = timedelta(minutes=1) if second is None else timedelta(seconds=1)
    return start.timestamp(), start.timestamp() + length.total_seconds() - 0.001


_READERS: Mapping[str, tuple[Callable[[str], Bounds], float, str]] = {
    "size": (_size, 1, "a size such as >10MB or 1MB..5MB"),
    "duration": (_span, 0.001, "a time such as >90s or 1m..1h30m"),
    **dict.fromkeys(sorted(NUMBERS - {"duration"}), (_number, 0.001, "a number such as >=1920 or 100..400")),
    **dict.fromkeys(sorted(MOMENTS), (_moment, 0.001, "a day, month or year such as 2024-05 or 2024-05..2024-07")),
}
