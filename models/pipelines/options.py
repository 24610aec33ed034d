"""Options of nodes, held against what their kind says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from models.pipelines.descriptors import NodeDescriptor, Parameter, ParameterType
from models.pipelines.hints import matcher

PORT_ID = re.compile(r"[a-z0-9][a-z0-9_]{0,62}")
_LONGEST_TEXT, _MOST_ROWS = 10_000, 100
_LONGEST_PROBLEM = 300
_ROW_KEYS = {"id", "label", "match"}
_TYPES: Mapping[ParameterType, tuple[type, ...]] = {
    ParameterType.STRING: (str,),
    ParameterType.INTEGER: (int,),
    ParameterType.NUMBER: (int, float),
    ParameterType.BOOLEAN: (bool,),
    ParameterType.ENUM: (str,),
    ParameterType.ENUM_SET: (list,),
    ParameterType.PORT_LIST: (list,),
}
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}


def find_problems(descriptor: NodeDescriptor, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with options: the key, and a sentence."""
    known = {parameter.key: parameter for parameter in descriptor.parameters}
    for key, value in options.items():
        if key not in known:
            yield key, f"Nodes of the kind '{descriptor.kind}' have no such option"
        elif value is not None:
            yield from ((key, problem) for problem in _problems(known[key], value))
    if descriptor.dynamic and isinstance(options.get(descriptor.dynamic), list):
        rows = [row for row in options[descriptor.dynamic] if isinstance(row, Mapping)]
        yield from ((descriptor.dynamic, problem) for problem in _clashes(descriptor, rows))
        yield from ((descriptor.dynamic, problem) for problem in _unreadable_hints(descriptor, options, rows))


def effective(descriptor: NodeDescriptor, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give all options, those that are not said as their defaults are."""
    return {
        each.key: each.default if options.get(each.key) is None else options[each.key] for each in descriptor.parameters
    }


def _problems(parameter: Parameter, value: Any) -> Iterator[str]:
    wanted = _TYPES.get(parameter.type)
    is_truth = isinstance(value, bool)
    if wanted and (not isinstance(value, wanted) or (is_truth and parameter.type is not ParameterType.BOOLEAN)):
        yield f"Must be {_NAMES[wanted[-1]]}"
    elif parameter.schema is not None:
        yield from _of_json(parameter.schema, value)
    elif isinstance(value, str):
        yield from _of_text(parameter, value)
    elif isinstance(value, int | float) and not is_truth:
        yield from _of_number(parameter, value)
    elif parameter.type is ParameterType.ENUM_SET:
        unknown = [each for each in value if each not in parameter.values]
        if unknown:
            yield f"Only {', '.join(parameter.values)} can be in it"
    elif parameter.type is ParameterType.PORT_LIST:
        yield from _of_rows(value)


def _of_json(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    found = best_match(Draft202012Validator(schema).iter_errors(value))
    if found is not None:
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in found.absolute_path)
        yield f"{place.lstrip('.')}: {found.message}".removeprefix(": ")[:_LONGEST_PROBLEM]


def _of_text(parameter: Parameter, value: str) -> Iterator[str]:
    if parameter.values and value not in parameter.values:
        yield f"Must be one of {', '.join(parameter.values)}"
    if len(value) > _LONGEST_TEXT:
        yield f"May have {_LONGEST_TEXT} characters at most"


def _of_number(parameter: Parameter, value: float) -> Iterator[str]:
    if not abs(value) < float("inf"):
        yield "Must be a finite number"
    elif parameter.least is not None and value < parameter.least:
        yield f"Must be {parameter.least:g} at least"
    elif parameter.most is not None and value > parameter.most:
        yield f"Must be {parameter.most:g} at most"


def _of_rows(rows: list[Any]) -> Iterator[str]:
    if len(rows) > _MOST_ROWS:
        yield f"May have {_MOST_ROWS} rows at most"
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping) or not row.keys() <= _ROW_KEYS:
            yield f"Row {place} must be an object of id, label and match"
        elif not isinstance(row.get("id"), str) or not PORT_ID.fullmatch(row["id"]):
            yield f"Row {place}: id must be 1 to 63 of a-z, 0-9 and inner underscores"
        elif not all(isinstance(row.get(name) or "", str) for name in ("label", "match")):
            yield f"Row {place}: label and match must be texts"


def _unreadable_hints(
    descriptor: NodeDescriptor, options: Mapping[str, Any], rows: list[Mapping[str, Any]]
) -> Iterator[str]:  # fmt: skip
    by = effective(descriptor, options).get(descriptor.hinted_by or "")
    for row in rows if isinstance(by, str) else ():
        hint = row.get("match") or row.get("id")
        try:
            if isinstance(hint, str):
                matcher(str(by), hint)
        except (ValueError, KeyError) as error:
            yield f"{row.get('id')}: {error}"


def _clashes(descriptor: NodeDescriptor, rows: list[Mapping[str, Any]]) -> Iterator[str]:
    """Rows are ports, whose ids are each other's and those of the ports that the kind has anyway."""
    taken = {port.id for port in (*descriptor.inputs, *descriptor.outputs)}
    for row in rows:
        row_id = row.get("id")
        if isinstance(row_id, str):
            if row_id in taken:
                yield f"There is a port '{row_id}' already"
            taken.add(row_id)
