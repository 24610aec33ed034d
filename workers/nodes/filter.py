"""The kind `filter`: buckets are tried in their order, and the first that matches is the way that an asset takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

from pydantic import Field

from models.pipelines.descriptors import Category, Port
from models.pipelines.outcomes import Outcome, completed, failed
from workers.nodes.base import MEDIA, Bucket, Facts, Node, Options

_UNITS = {"": 1, "B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_SIZE = r"(\d+(?:\.\d+)?)\s*([KMGT]?B?)"
_BOUND = re.compile(rf"(<=|>=|<|>)?\s*{_SIZE}", re.IGNORECASE)
_RANGE = re.compile(rf"{_SIZE}\s*\.\.\s*{_SIZE}", re.IGNORECASE)
_OTHER = "other"


class FilterOptions(Options):
    """Options of the kind."""

    filter_by: Literal["MIME", "SIZE"] = Field("MIME", title="By", description="What is looked at")
    buckets: list[Bucket] = Field(
        [], title="Ways", description="By MIME: image/*, video/mp4, image, *. By SIZE: <10MB, >=1GB, 1MB..100MB"
    )


class FilterNode(Node[FilterOptions]):
    """Sends each asset one of several ways, by its type or its size."""

    kind = "filter"
    name = "Filter"
    category = Category.FILTER
    outputs = (
        Port(_OTHER, "media/*", "All others", is_selective=True),
        Port("passed", "control/filter", "One matched"),
        Port("bucket", "scalar/string", "Which one"),
    )
    inputs = (MEDIA,)
    is_lasting = False
    options = FilterOptions
    dynamic = "buckets"

    def look(self, facts: Facts, inputs: Mapping[str, Any], options: FilterOptions) -> Outcome:
        """Find the way."""
        matches = _by_type if options.filter_by == "MIME" else _by_size
        try:
            found = next((each.id for each in options.buckets if matches(facts, each.match or each.id)), _OTHER)
        except ValueError as error:
            return failed(str(error))
        return completed({found: inputs["media"], "passed": found != _OTHER, "bucket": found})


def _by_type(facts: Facts, hint: str) -> bool:
    pattern = hint if "/" in hint or hint == "*" else f"{hint}/*"
    return fnmatchcase(facts.mime_type, pattern.lower())


def _by_size(facts: Facts, hint: str) -> bool:
    if found := _RANGE.fullmatch(hint.strip()):
        return _bytes(*found.group(1, 2)) <= facts.size < _bytes(*found.group(3, 4))
    if found := _BOUND.fullmatch(hint.strip()):
        return _COMPARE[found[1] or "<="](facts.size, _bytes(*found.group(2, 3)))
    raise ValueError(f"'{hint[:80]}' is no size: say <10MB, >=1GB or 1MB..100MB")


def _bytes(number: str, unit: str) -> float:
    letters = unit.upper()
    return float(number) * _UNITS[letters if letters in _UNITS else f"{letters}B"]


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<=": lambda size, bound: size <= bound,
    ">=": lambda size, bound: size >= bound,
    "<": lambda size, bound: size < bound,
    ">": lambda size, bound: size > bound,
}
