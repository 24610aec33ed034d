"""The kind `hash-dedup`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.paths import encode_path
from models.pipelines.descriptors import Category, Port
from models.pipelines.outcomes import Outcome, completed
from workers.nodes.base import Facts, Node, Options


class HashDedupNode(Node[Options]):
    """Tells assets whose content lies in several places of the pools: the first is the original, the others copies."""

    kind = "hash-dedup"
    name = "Copies"
    category = Category.FILTER
    outputs = (
        Port("duplicate", "media/*", "Has copies", is_selective=True),
        Port("unique", "media/*", "Has none", is_selective=True),
        Port("original", "scalar/string", "Where the first lies", is_selective=True),
        Port("copies", "struct/json", "Where the others lie", is_selective=True),
        Port("passed", "control/filter", "Unique"),
    )
    is_lasting = False
    options = Options

    def look(self, facts: Facts, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Look at the places."""
        if len(facts.places) < 2:  # noqa: PLR2004 - a copy is a second place
            return completed({"unique": inputs["media"], "passed": True})
        first, *others = ({"poolUuid": str(each.pool_id), "path": encode_path(each.path)} for each in facts.places)
        return completed({
            "duplicate": inputs["media"], "original": first["path"], "copies": others, "passed": False,
        })  # fmt: skip
