"""What a partial update would really change."""

from __future__ import annotations

from typing import Any


def changes_to(element: object, values: dict[str, Any]) -> dict[str, Any]:
    """Give those of the values that are not what the element has already."""
    return {name: value for name, value in values.items() if not is_same(getattr(element, name), value)}


def is_same(held: Any, given: Any) -> bool:
    """Compare as JSON does: unlike in Python, true is not 1."""
    if isinstance(held, dict) and isinstance(given, dict):
        return held.keys() == given.keys() and all(is_same(held[key], given[key]) for key in held)
    if isinstance(held, list) and isinstance(given, list):
        return len(held) == len(given) and all(map(is_same, held, given))
    return isinstance(held, bool) == isinstance(given, bool) and bool(held == given)
