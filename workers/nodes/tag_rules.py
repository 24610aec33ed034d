"""Rules of the kind `tag`: which of them hold for what came in, and which tags they give."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import regex
from pydantic import BaseModel, ConfigDict, Field

_PATIENCE_SECONDS = 0.1
"""A pattern of somebody's making may take for ever."""


Operator = Literal[
    "EQ", "NEQ", "GT", "GTE", "LT", "LTE", "CONTAINS", "STARTS_WITH", "MATCHES", "IN", "EXISTS", "NOT_BLANK"
]  # fmt: skip


class Condition(BaseModel):
    """What must be so of a value: at a port, at a dotted path in it."""

    model_config = ConfigDict(extra="forbid")

    port: str
    path: str = ""
    op: Literal[
        "EQ", "NEQ", "GT", "GTE", "LT", "LTE", "CONTAINS", "STARTS_WITH", "MATCHES", "IN", "EXISTS", "NOT_BLANK"
    ]
    value: Any = None


class Rule(BaseModel):
    """A tag for the assets of which all (or any) conditions hold. In the name, `{port.path}` stands for a value."""

    model_config = ConfigDict(extra="forbid")

    tag: str = Field(min_length=1, max_length=255)
    collection: str | None = None
    match: Literal["ALL", "ANY"] = "ALL"
    when: list[Condition] = Field(default_factory=list, max_length=50)


_MISSING = object()


def name_of(rule: Rule, inputs: Mapping[str, Any]) -> str | None:
    """Give the name of the tag if the rule holds, else None.

    Raises:
        ValueError: when a pattern is none, or takes too long.
    """
    verdicts = (holds(condition, inputs) for condition in rule.when)
    if not (all(verdicts) if rule.match == "ALL" else any(verdicts)):
        return None
    return _filled(rule.tag, inputs)


def _filled(template: str, inputs: Mapping[str, Any]) -> str | None:
    """Put values into the name; a value that is missing makes no tag."""
    parts = regex.split(r"\{([^{}]*)\}", template)
    for place in range(1, len(parts), 2):
        value = value_at(inputs, *parts[place].partition(".")[::2])
        if value is _MISSING or isinstance(value, dict | list):
            return None
        parts[place] = str(value)
    return "".join(parts)


def value_at(inputs: Mapping[str, Any], port: str, path: str) -> Any:
    """Give a value, or what stands for none."""
    found = inputs.get(port, _MISSING)
    for name in path.split(".") if path else ():
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, Sequence) and not isinstance(found, str) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return _MISSING
    return _MISSING if found is None else found


def holds(condition: Condition, inputs: Mapping[str, Any]) -> bool:
    """Whether a condition holds; of a value that is missing none does.

    Raises:
        ValueError: when a pattern is none, or takes too long.
    """
    found = value_at(inputs, condition.port, condition.path)
    if found is _MISSING:
        return False
    try:
        return _TESTS[condition.op](found, condition.value)
    except TypeError:  # a number against a word
        return False
    except TimeoutError:
        raise ValueError(f"The pattern '{condition.value}' takes too long") from None
    except regex.error as error:
        raise ValueError(f"'{condition.value}' is no pattern: {error}") from None


def _matches(found: Any, pattern: Any) -> bool:
    return regex.search(str(pattern), str(found), timeout=_PATIENCE_SECONDS) is not None


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return str(value).casefold() in found.casefold()
    return value in found


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq, "NEQ": operator.ne, "GT": operator.gt, "GTE": operator.ge, "LT": operator.lt, "LTE": operator.le,
    "CONTAINS": _contains, "STARTS_WITH": lambda found, value: str(found).startswith(str(value)),
    "MATCHES": _matches, "IN": lambda found, value: found in value, "EXISTS": lambda *_: True,
    "NOT_BLANK": lambda found, _: bool(str(found).strip()),
}  # fmt: skip
