"""Parameters of descriptors, derived from the options of a kind: types, bounds, choices and words stand there once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter

from models.pipelines.descriptors import Parameter, ParameterType


class PortRow(BaseModel):
    """A row of an option whose rows are outputs."""

    id: str
    label: str | None = None
    match: str | None = None


_TYPES: dict[Any, ParameterType] = {
    bool: ParameterType.BOOLEAN,
    int: ParameterType.INTEGER,
    float: ParameterType.NUMBER,
    str: ParameterType.STRING,
}


def parameters_of(options: type[BaseModel]) -> tuple[Parameter, ...]:
    """Give the parameters that a model of options has."""
    return tuple(_parameters(options))


def _parameters(options: type[BaseModel]) -> Iterator[Parameter]:
    for name, field in options.model_fields.items():
        kind, values = _read(field.annotation)
        yield Parameter(
            key=field.alias or name,
            type=kind,
            label=field.title or name,
            default=field.get_default(call_default_factory=True),
            description=field.description or "",
            least=_bound(field.metadata, "ge"),
            most=_bound(field.metadata, "le"),
            values=values,
            schema=_schema(field.annotation) if kind is ParameterType.JSON else None,
        )


def _schema(annotation: Any) -> dict[str, Any]:
    return TypeAdapter(annotation).json_schema(by_alias=True)


def _bound(metadata: Iterable[Any], name: str) -> float | None:
    return next((float(getattr(each, name)) for each in metadata if hasattr(each, name)), None)


def _read(annotation: Any) -> tuple[ParameterType, tuple[str, ...]]:
    if annotation in _TYPES:
        return _TYPES[annotation], ()
    if get_origin(annotation) is Literal:
        return ParameterType.ENUM, get_args(annotation)
    arguments = get_args(annotation)
    if arguments and get_origin(arguments[0]) is Literal:
        return ParameterType.ENUM_SET, get_args(arguments[0])
    if arguments and isinstance(arguments[0], type) and issubclass(arguments[0], PortRow):
        return ParameterType.PORT_LIST, ()
    return ParameterType.JSON, ()
