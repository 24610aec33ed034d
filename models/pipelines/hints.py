"""What filters look for, as people spell it: types, sizes, days and ages, tags, ratings."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple


class Subject(NamedTuple):
    """What a hint is held against."""

    mime_type: str
    size: int
    first_seen: datetime
    now: datetime
    tags: Sequence[str]
    ratings: Sequence[int]


Matcher = Callable[[Subject], bool]
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_UNITS = {"": 1, "B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_SIZE = r"(\d+(?:\.\d+)?)\s*([KMGT]?B?)"
_SIZE_BOUND = re.compile(rf"(<=|>=|<|>)?\s*{_SIZE}", re.IGNORECASE)
_SIZE_RANGE = re.compile(rf"{_SIZE}\s*\.\.\s*{_SIZE}", re.IGNORECASE)
_DAY = r"(\d{4}-\d\d-\d\d)"
_DAY_BOUND = re.compile(rf"(<=|>=|<|>)?\s*{_DAY}")
_DAY_RANGE = re.compile(rf"{_DAY}\s*\.\.\s*{_DAY}")
_AGE = re.compile(r"age\s*(<=|>=|<|>)\s*(\d{1,6})\s*([hdwmy])", re.IGNORECASE)
_AGE_UNITS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "y": 365}
_RATING = re.compile(r"(<=|>=|<|>)?\s*(\d{1,2}(?:\.\d+)?)")
_UNRATED = "unrated"


@lru_cache(maxsize=1024)
def matcher(by: str, hint: str) -> Matcher:
    """Read a hint.

    Raises:
        ValueError: when it is none of that kind.
    """
    return _READERS[by](hint.strip())


def _type(hint: str) -> Matcher:
    if not hint:
        raise ValueError("Say a type, such as image/* or video/mp4")
    pattern = (hint if "/" in hint or hint == "*" else f"{hint}/*").lower()
    return lambda subject: fnmatchcase(subject.mime_type, pattern)


def _size(hint: str) -> Matcher:
    if found := _SIZE_RANGE.fullmatch(hint):
        least, most = _bytes(*found.group(1, 2)), _bytes(*found.group(3, 4))
        return lambda subject: least <= subject.size < most
    if found := _SIZE_BOUND.fullmatch(hint):
        compare, bound = _COMPARE[found[1] or "<="], _bytes(*found.group(2, 3))
        return lambda subject: compare(subject.size, bound)
    raise ValueError(f"'{hint[:80]}' is no size: say <10MB, >=1GB or 1MB..100MB")


def _bytes(number: str, unit: str) -> float:
    letters = unit.upper()
    return float(number) * _UNITS[letters if letters in _UNITS else f"{letters}B"]


def _date(hint: str) -> Matcher:
    """Days are whole, in UTC; a bare day is that day."""
    if found := _AGE.fullmatch(hint):
        compare, age = _COMPARE[found[1]], timedelta(days=int(found[2]) * _AGE_UNITS[found[3].lower()])
        return lambda subject: compare(subject.now - subject.first_seen, age)
    if found := _DAY_RANGE.fullmatch(hint):
        first, last = _day(found[1]), _day(found[2]) + timedelta(days=1)
        return lambda subject: first <= subject.first_seen < last
    if found := _DAY_BOUND.fullmatch(hint):
        return _against_day(found[1], _day(found[2]))
    raise ValueError(f"'{hint[:80]}' is no date: say >=2024-01-01, 2024-01-01..2024-06-30 or age<30d")


def _against_day(sign: str | None, day: datetime) -> Matcher:
    following = day + timedelta(days=1)
    if sign is None:
        return lambda subject: day <= subject.first_seen < following
    bound = following if sign in {">", "<="} else day
    compare = operator.ge if sign in {">", ">="} else operator.lt
    return lambda subject: compare(subject.first_seen, bound)


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"'{text}' is no day") from None


def _tags(hint: str) -> Matcher:
    """One of the named at least, if any is, and none of those behind a `!`."""
    names = [name.strip().casefold() for name in hint.split(",")]
    refused = {name[1:].strip() for name in names if name.startswith("!")}
    wanted = {name for name in names if name and not name.startswith("!")}
    if not (wanted or refused) or "" in refused:
        raise ValueError("Say the names of tags, with commas between, and ! before those that must not be there")

    def matches(subject: Subject) -> bool:
        found = {tag.casefold() for tag in subject.tags}
        return not (found & refused) and (not wanted or bool(found & wanted))

    return matches


def _rating(hint: str) -> Matcher:
    """Against the mean of the stars that people gave; several with commas between: one of them."""
    tests = [_one_rating(part.strip()) for part in hint.split(",")]
    return lambda subject: any(test(subject) for test in tests)


def _one_rating(hint: str) -> Matcher:
    if hint.casefold() == _UNRATED:
        return lambda subject: not subject.ratings
    found = _RATING.fullmatch(hint)
    if found is None:
        raise ValueError(f"'{hint[:80]}' is no rating: say >=4, 5 or {_UNRATED}")
    compare: Callable[[Any, Any], bool] = _COMPARE.get(found[1] or "", operator.eq)
    bound = float(found[2])
    return lambda subject: bool(subject.ratings) and compare(sum(subject.ratings) / len(subject.ratings), bound)


_READERS: Mapping[str, Callable[[str], Matcher]] = {
    "MIME": _type, "SIZE": _size, "DATE": _date, "TAG": _tags, "RATING": _rating,
}  # fmt: skip
