"""What a list can be filtered by: `filter=key[operator]=value`, terms joined by commas or by repeating the parameter.

A resource has a closed list of keys, each with a rule that turns operator and value into a condition. The spelling
`filter[key][operator]=value` is understood too.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement

from models.bodies.instants import parse_instant
from models.errors import InvalidInput
from models.ids import is_storable, parse_sha512, parse_uuid, printable

Rule = Callable[[str, str], ColumnElement[bool]]
"""Takes operator and value; refuses with ValueError what it does not understand."""

_TERM = re.compile(r"\s*([A-Za-z0-9_]+)\[([A-Za-z]+)\]=(.*)", re.DOTALL)
_NESTED = re.compile(r"filter\[([A-Za-z0-9_]+)\]\[([A-Za-z]+)\]")
_SIZE = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,6})?)([KMGTPE]?)(I?)B?")
_UNITS = "KMGTPE"
_LARGEST = 2**63 - 1
_RANGE = "range"

_COMPARE: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "eq": operator.eq,
    "ne": lambda column, value: column.is_distinct_from(value),
    "gte": operator.ge,
    "lte": operator.le,
    "after": operator.gt,
    "before": operator.lt,
}
_EQUALITY = frozenset({"eq", "ne"})
_ORDER = _EQUALITY | {"gte", "lte"}
_TIME = _ORDER | {"after", "before"}


def read_filters(
    texts: Iterable[str], rules: Mapping[str, Rule], named: Iterable[tuple[str, str]] = ()
) -> list[ColumnElement[bool]]:  # fmt: skip
    """Turn filters into conditions that must all hold; `named` are parameters, of which some may be filters too.

    Raises:
        InvalidInput: naming the key, operator or value that is not understood.
    """
    return [_condition(rules, *term) for term in _terms(texts, named)]


def _terms(texts: Iterable[str], named: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    for text in texts:
        for term in filter(None, text.split(",")):
            match = _TERM.fullmatch(term)
            if match is None:
                raise InvalidInput(f"filter: '{printable(term)}' is not of the form key[operator]=value")
            yield match[1], match[2], match[3]
    for name, text in named:
        if match := _NESTED.fullmatch(name):
            yield match[1], match[2], text


def _condition(rules: Mapping[str, Rule], key: str, operation: str, text: str) -> ColumnElement[bool]:
    if key not in rules:
        raise InvalidInput(f"filter: unknown key '{printable(key)}'; known: {', '.join(rules)}")
    try:
        return rules[key](operation.lower(), text)
    except (ValueError, InvalidInput) as error:
        raise InvalidInput(f"filter: {key}[{printable(operation)}]: {error}") from None


def _rule(column: Any, operators: frozenset[str], read: Callable[[str], Any], separators: str = "") -> Rule:
    """Make the rule of a column whose values `read` understands; with separators it knows ranges too."""
    known = sorted(operators | ({_RANGE} if separators else set()))

    def condition(operation: str, text: str) -> ColumnElement[bool]:
        if operation not in known:
            raise ValueError(f"unknown operator; known: {', '.join(known)}")
        if operation == _RANGE:
            low, high = _bounds(text, separators)
            between: ColumnElement[bool] = column.between(read(low), read(high))
            return between
        return _COMPARE[operation](column, read(text))

    return condition


def _bounds(text: str, separators: str) -> tuple[str, str]:
    # Not by both at once: the minus of a negative number is no separator.
    parts = text.split(next((each for each in separators if each in text), separators[0]))
    if len(parts) != 2:  # noqa: PLR2004 - a low and a high end
        raise ValueError(f"a range is written low{separators[0]}high")
    return parts[0], parts[1]


def text_filter(column: Any) -> Rule:
    """Exact text."""
    return _rule(column, _EQUALITY, _read_text)


def uuid_filter(column: Any) -> Rule:
    """A UUID."""
    return _rule(column, _EQUALITY, parse_uuid)


def sha512_filter(column: Any) -> Rule:
    """A SHA-512."""
    return _rule(column, _EQUALITY, parse_sha512)


def bool_filter(column: Any) -> Rule:
    """`true` or `false`."""
    return _rule(column, _EQUALITY, _read_bool)


def enum_filter(column: Any, constants: type[Enum]) -> Rule:
    """The name of a constant; the column holds its value."""
    return _rule(column, _EQUALITY, lambda text: _read_constant(constants, text))


def number_filter(column: Any) -> Rule:
    """A whole number."""
    return _rule(column, _ORDER, _read_number, "_-")


def size_filter(column: Any) -> Rule:
    """Bytes, or a size such as `1MB` (1000-based) or `1MiB` (1024-based)."""
    return _rule(column, _ORDER, read_size, "_-")


def instant_filter(column: Any) -> Rule:
    """A moment in ISO-8601."""
    return _rule(column, _TIME, parse_instant, "_")


def audit_filters(model: Any) -> dict[str, Rule]:
    """What can be asked of every element: which it is, who made it and who changed it last, and when."""
    return {
        "uuid": uuid_filter(model.id),
        "creator": uuid_filter(model.creator_id),
        "editor": uuid_filter(model.editor_id),
        "created": instant_filter(model.created),
        "edited": instant_filter(model.edited),
    }


def read_size(text: str) -> int:
    """Read a size: `1MB` is 1,000,000 bytes and `1MiB` 1,048,576; spaces and case do not matter."""
    match = _SIZE.fullmatch(re.sub(r"\s", "", text).upper())
    if match is None or (match[3] and not match[2]):
        raise ValueError(f"'{printable(text)}' is not a size such as 500, 1MB or 1.5 GiB")
    factor = (1024 if match[3] else 1000) ** (_UNITS.index(match[2]) + 1 if match[2] else 0)
    whole, _, fraction = match[1].partition(".")
    size: int = int(whole) * factor + (int(fraction) * factor // 10 ** len(fraction) if fraction else 0)
    if size > _LARGEST:
        raise ValueError("the size is too large")
    return size


def _read_text(text: str) -> str:
    if not is_storable(text):
        raise ValueError("the value holds characters that cannot be stored")
    return text


def _read_bool(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError("the value is true or false")
    return text.lower() == "true"


def _read_constant(constants: type[Enum], text: str) -> Any:
    if text not in constants.__members__:
        raise ValueError(f"'{printable(text)}' is not one of {', '.join(constants.__members__)}")
    return constants[text].value


def _read_number(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or not -_LARGEST <= int(text) <= _LARGEST:
        raise ValueError(f"'{printable(text)}' is not a whole number")
    return int(text)
