"""The kind `assign`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from models.pipelines.descriptors import Category, Port
from models.pipelines.effects import AssignEffect
from models.pipelines.outcomes import Outcome, completed, failed
from workers.nodes.base import Facts, Node, Options


class AssignOptions(Options):
    """Options of the kind."""

    target: Literal["COLLECTION", "LIBRARY"] = Field("COLLECTION", title="Into", description="What it is put into")
    target_uuid: str = Field("", title="Id", description="Which one; else the name says it")
    target_name: str = Field("", title="Name", description="Which one, if no id is given")
    on_missing: Literal["FAIL", "CREATE"] = Field(
        "FAIL", title="If there is none", description="CREATE makes one of that name"
    )


class AssignNode(Node[AssignOptions]):
    """Puts the asset into a collection or a library."""

    kind = "assign"
    name = "Assign"
    category = Category.OUTPUT
    outputs = (Port("target", "scalar/string", "Where it was put"),)
    is_lasting = False
    options = AssignOptions

    def look(self, facts: Facts, inputs: Mapping[str, Any], options: AssignOptions) -> Outcome:
        """Say where it is to be put; it is put there together with what the run writes."""
        try:
            target = UUID(options.target_uuid) if options.target_uuid else None
        except ValueError:
            return failed(f"'{options.target_uuid}' is no UUID")
        if target is None and not options.target_name.strip():
            return failed("Say the id or the name of where assets are to be put")
        effect = AssignEffect(
            options.target, target, options.target_name.strip() or None, options.on_missing == "CREATE"
        )
        return completed({"target": options.target_uuid or options.target_name.strip()}, effects=(effect,))
