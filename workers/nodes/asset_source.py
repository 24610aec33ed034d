"""The kind `asset-source`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.pipelines.descriptors import Category, Port
from models.pipelines.outcomes import Outcome, completed
from workers.nodes.base import Facts, Node, Options


class AssetSourceNode(Node[Options]):
    """Gives the assets that the run was asked for, one after the other."""

    kind = "asset-source"
    name = "Assets"
    category = Category.SOURCE
    inputs = ()
    outputs = (Port("media", "media/*", "Media"),)
    is_lasting = False
    options = Options

    def look(self, facts: Facts, inputs: Mapping[str, Any], options: Options) -> Outcome:
        """Give the asset."""
        return completed({"media": {"uuid": str(facts.asset_id), "sha512": facts.sha512, "mimeType": facts.mime_type}})
