"""Kinds of node for tests of graphs: all give and take any JSON."""

from __future__ import annotations

from typing import Any

from models.pipelines.descriptors import Cardinality, Category, Group, GroupMode, NodeDescriptor, Port

_JSON = "struct/json"


def _in(name: str, **more: Any) -> Port:
    return Port(name, _JSON, **more)


_OUT = (Port("x", _JSON),)
SOURCE = NodeDescriptor("source", "Source", Category.SOURCE, outputs=_OUT)
PLAIN = NodeDescriptor(
    "plain", "Plain", Category.ANALYSIS, inputs=(_in("a"), _in("b", is_required=False)), outputs=_OUT
)
SPLIT = NodeDescriptor(
    "split",
    "Split",
    Category.ANALYSIS,
    inputs=(_in("a"),),
    outputs=(Port("many", _JSON, cardinality=Cardinality.MANY),),
)
GATHER = NodeDescriptor(
    "gather", "Gather", Category.ANALYSIS, inputs=(_in("all", cardinality=Cardinality.MANY),), outputs=_OUT
)
ROUTE = NodeDescriptor(
    "route", "Route", Category.FILTER, inputs=(_in("a"),),
    outputs=(
        Port("left", _JSON, is_selective=True),
        Port("right", _JSON, is_selective=True),
        Port("passed", "control/filter"),
    ),
)  # fmt: skip
EITHER = NodeDescriptor(
    "either", "Either", Category.ANALYSIS, inputs=(_in("one", group="g"), _in("other", group="g")), outputs=_OUT,
    groups=(Group("g", GroupMode.XOR, is_required=True),),
)  # fmt: skip
KINDS = {each.kind: each for each in (SOURCE, PLAIN, SPLIT, GATHER, ROUTE, EITHER)}
