"""The kind `tag`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from models.pipelines.descriptors import Cardinality, Category, Port
from models.pipelines.effects import TagEffect
from models.pipelines.outcomes import Outcome, completed, failed
from workers.nodes.base import MEDIA, Facts, Node, Options
from workers.nodes.tag_rules import Rule, name_of

_LONGEST_NAME = 255


class TagOptions(Options):
    """Options of the kind."""

    tag_by: Literal["RULES", "LABELS"] = Field("RULES", title="By", description="Rules, or the labels that come in")
    rules: list[Rule] = Field([], title="Rules", description="Each gives a tag where its conditions hold")
    collection: str = Field("", title="Collection", description="Of tags, where a rule does not say")
    allowed_tags: list[str] = Field([], title="Allowed", description="No others are given; empty: all")
    max_tags: int = Field(20, ge=1, le=100, title="At most", description="Tags for an asset")
    normalize: Literal["TRIM_LOWER", "TRIM", "NONE"] = Field("TRIM", title="Spelling", description="Of names")
    remove_withdrawn: bool = Field(
        False, title="Take off", description="Tags that this node has given before and does not give any more"
    )


class TagNode(Node[TagOptions]):
    """Puts tags on the asset, by rules about what other nodes found out, or as labels say."""

    kind = "tag"
    name = "Tag"
    category = Category.OUTPUT
    inputs = (
        MEDIA,
        Port("text", "text/*", "Words", is_required=False),
        Port("number", "scalar/number", "A number", is_required=False),
        Port("flag", "scalar/boolean", "A truth", is_required=False),
        Port("struct", "struct/json", "A structure", is_required=False),
        Port("labels", "scalar/string", "Labels", Cardinality.MANY, is_required=False),
    )
    outputs = (
        Port("applied", "struct/json", "Tags"),
        Port("count", "scalar/integer", "How many"),
    )
    is_lasting = False
    options = TagOptions

    def look(self, facts: Facts, inputs: Mapping[str, Any], options: TagOptions) -> Outcome:
        """Find the tags; they are put on together with what the run writes."""
        known = {**inputs, "asset": _asset(facts)}
        try:
            wanted = list(_wanted(known, options))
        except ValueError as error:
            return failed(str(error))
        effect = TagEffect(wanted, options.remove_withdrawn)
        outputs = {"applied": [each["name"] for each in wanted], "count": len(wanted)}
        return completed(outputs, effects=(effect,) if wanted or options.remove_withdrawn else ())


def _asset(facts: Facts) -> dict[str, Any]:
    """What conditions see at the port `asset`, which every rule has."""
    return {"mimeType": facts.mime_type, "filename": facts.filename, "size": facts.size}


def _wanted(inputs: Mapping[str, Any], options: TagOptions) -> Iterator[dict[str, Any]]:
    """Yield each tag once."""
    allowed = {_spell(name, options) for name in options.allowed_tags}
    seen: set[tuple[str, str]] = set()
    for name, collection in _named(inputs, options):
        spelt = _spell(name, options)[:_LONGEST_NAME]
        if not spelt.strip() or (spelt, collection) in seen or (allowed and spelt not in allowed):
            continue
        seen.add((spelt, collection))
        yield {"name": spelt, **({"collection": collection} if collection else {})}
        if len(seen) == options.max_tags:
            return


def _named(inputs: Mapping[str, Any], options: TagOptions) -> Iterator[tuple[str, str]]:
    if options.tag_by == "LABELS":
        yield from ((str(label), options.collection) for label in inputs.get("labels") or ())
        return
    for rule in options.rules:
        name = name_of(rule, inputs)
        if name is not None:
            yield name, rule.collection or options.collection


def _spell(name: str, options: TagOptions) -> str:
    if options.normalize == "NONE":
        return name
    return name.strip().lower() if options.normalize == "TRIM_LOWER" else name.strip()
