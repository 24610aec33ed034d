"""Values between nodes, as their content types have them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from models.ids import is_storable
from models.pipelines.descriptors import Port

_TRUTHS = {"true": True, "false": False}
_BIGGEST = 2**63 - 1
_LARGEST_JSON = 1024**2
_HEX = re.compile("(?:[0-9a-f]{2}){1,256}")
_NUL = b"\\u0000"
"""What no column can hold."""


class ValueProblem(ValueError):
    """A value is not of the type that its port declares."""


def coerce(port: Port, value: Any) -> Any:
    """Give a value as the type of its port has it.

    Raises:
        ValueProblem: when it cannot be that.
    """
    family = port.content_type.partition("/")[0]
    read = _READERS.get(port.content_type) or _READERS.get(family)
    if read is None:
        return value
    found = read(value)
    if found is None:
        raise ValueProblem(f"Port '{port.id}' gives {port.content_type}, which this is not: {value!r:.80}")
    return found


def _integer(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value) if isinstance(value, str) else value
        is_whole = isinstance(number, int) or number.is_integer()
    except ValueError:
        return None
    return int(value) if is_whole and abs(number) <= _BIGGEST else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return _TRUTHS.get(value.lower()) if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and is_storable(value) else None


def _hash(value: Any) -> str | None:
    return value if isinstance(value, str) and _HEX.fullmatch(value) else None


def _json(value: Any) -> Any:
    try:
        spelt = orjson.dumps(value)
    except (TypeError, ValueError):
        return None
    return None if _NUL in spelt or len(spelt) > _LARGEST_JSON else orjson.loads(spelt)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "scalar/integer": _integer,
    "scalar/number": _number,
    "scalar/boolean": _boolean,
    "scalar/string": _text,
    "control": _boolean,
    "text": _text,
    "hash": _hash,
    "struct": _json,
}
