"""Values are what their ports declare, or a failure."""

from __future__ import annotations

from typing import Any

import pytest

from models.pipelines.descriptors import Port
from models.pipelines.values import ValueProblem, coerce


@pytest.mark.parametrize(
    ("content_type", "given", "found"),
    [
        ("scalar/integer", 5, 5), ("scalar/integer", "5", 5), ("scalar/integer", 5.0, 5), ("scalar/number", "0.5", 0.5),
        ("scalar/boolean", "TRUE", True), ("control/filter", False, False), ("scalar/string", "x", "x"),
        ("hash/md5", "ab" * 16, "ab" * 16), ("struct/json", {"a": (1, 2)}, {"a": [1, 2]}), ("text/plain", "", ""),
        ("media/image", {"uuid": "x"}, {"uuid": "x"}),
    ],
)  # fmt: skip
def test_what_fits(content_type: str, given: Any, found: Any) -> None:
    assert coerce(Port("p", content_type), given) == found


@pytest.mark.parametrize(
    ("content_type", "given"),
    [
        ("scalar/integer", 5.5), ("scalar/integer", True), ("scalar/integer", "x"), ("scalar/integer", 2**70),
        ("scalar/integer", float("inf")), ("scalar/number", float("nan")), ("scalar/number", "1" * 400),
        ("scalar/boolean", 1), ("scalar/boolean", "yes"), ("scalar/string", 5), ("scalar/string", "a\0b"),
        ("text/plain", "\ud800"), ("hash/md5", "xyz"), ("hash/md5", "abc"), ("struct/json", object()),
        ("struct/json", {"a": "\0"}), ("struct/json", ["x" * 1024**2]), ("control/filter", None),
    ],
)  # fmt: skip
def test_what_does_not(content_type: str, given: Any) -> None:
    with pytest.raises(ValueProblem, match="'p'"):
        coerce(Port("p", content_type), given)
