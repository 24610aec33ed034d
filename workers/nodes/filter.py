"""The kind `filter`: buckets are tried in their order, and the first that matches is the way that an asset takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from models.pipelines.descriptors import Category, Port
from models.pipelines.hints import Subject, matcher
from models.pipelines.outcomes import Outcome, completed
from workers.nodes.base import MEDIA, Facts, Node, Options
from workers.nodes.parameters import PortRow

_OTHER = "other"


class FilterOptions(Options):
    """Options of the kind."""

    filter_by: Literal["MIME", "SIZE", "DATE", "TAG", "RATING"] = Field("MIME", title="By", description="What counts")
    buckets: list[PortRow] = Field(
        [],
        title="Ways",
        description="By MIME: image/*, video/mp4, image, *. By SIZE: <10MB, >=1GB, 1MB..100MB. By DATE (first seen): "
        ">=2024-01-01, 2024-01-01..2024-06-30, age<30d. By TAG: beach, !draft. By RATING: >=4, 5, unrated",
    )


class FilterNode(Node[FilterOptions]):
    """Sends each asset one of several ways: by its type, size, age, tags or ratings."""

    kind = "filter"
    name = "Filter"
    version = "2"
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
    hinted_by = "filterBy"

    def look(self, facts: Facts, inputs: Mapping[str, Any], options: FilterOptions) -> Outcome:
        """Find the way. Hints that cannot be read were refused when the pipeline was kept."""
        subject = Subject(
            facts.mime_type, facts.size, facts.first_seen, datetime.now(UTC), facts.tags, facts.ratings
        )  # fmt: skip
        found = next(
            (each.id for each in options.buckets if matcher(options.filter_by, each.match or each.id)(subject)), _OTHER
        )
        return completed({found: inputs["media"], "passed": found != _OTHER, "bucket": found})
