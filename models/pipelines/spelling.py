"""Descriptors as JSON, for the table and for those who announce kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from models.pipelines.descriptors import (
    Cardinality,
    Category,
    Group,
    GroupMode,
    NodeDescriptor,
    Parameter,
    ParameterType,
    Port,
)


def to_json(descriptor: NodeDescriptor) -> dict[str, Any]:
    """Spell a descriptor."""
    return asdict(descriptor)


def from_json(spelt: Mapping[str, Any]) -> NodeDescriptor:
    """Read a descriptor.

    Raises:
        KeyError, TypeError, ValueError: when it is none.
    """
    values = dict(spelt)
    return NodeDescriptor(
        category=Category(values.pop("category")),
        inputs=tuple(map(_port, values.pop("inputs"))),
        outputs=tuple(map(_port, values.pop("outputs"))),
        groups=tuple(Group(**{**each, "mode": GroupMode(each["mode"])}) for each in values.pop("groups")),
        own_parameters=tuple(map(_parameter, values.pop("own_parameters"))),
        **values,
    )


def _port(spelt: Mapping[str, Any]) -> Port:
    return Port(**{**spelt, "cardinality": Cardinality(spelt["cardinality"])})


def _parameter(spelt: Mapping[str, Any]) -> Parameter:
    return Parameter(**{**spelt, "type": ParameterType(spelt["type"]), "values": tuple(spelt["values"])})
