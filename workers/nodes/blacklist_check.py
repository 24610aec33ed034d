"""The kind `blacklist-check`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.pipelines.descriptors import Category, Port
from models.pipelines.outcomes import Outcome, completed
from workers.nodes.base import Facts, Node, Options


class BlacklistCheckNode(Node[Options]):
    """Lets pass what is not on the blacklist of the space."""

    kind = "blacklist-check"
    name = "Blacklist"
    category = Category.FILTER
    outputs = (Port("passed", "control/filter", "Welcome"),)
    is_lasting = False
    options = Options

    def look(self, facts: Facts, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Look it up."""
        return completed({"passed": not facts.is_blacklisted})
