"""The kind `text`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from models.pipelines.descriptors import Port
from models.pipelines.outcomes import Outcome, completed
from workers.media import markup, office, pdf
from workers.media.opened import OpenedMedia
from workers.nodes.base import Node, Options


class TextOptions(Options):
    """Options of the kind."""

    max_chars: int = Field(200_000, ge=1, le=1_000_000, title="At most", description="Characters that are kept")


class TextNode(Node[TextOptions]):
    """Takes the words out of PDF, office documents, HTML and plain text."""

    kind = "text"
    name = "Text"
    outputs = (
        Port("content", "text/plain", "Words", is_selective=True),
        Port("length", "scalar/integer", "Characters"),
    )
    applies_to = ("text/*", "application/pdf", "application/json", "application/xhtml+xml", *office.OFFICE)
    options = TextOptions

    def run(self, media: OpenedMedia, inputs: Mapping[str, Any], options: TextOptions) -> Outcome:
        """Read."""
        words = _words(media, options.max_chars).replace("\0", "").strip()
        return completed({"length": len(words), **({"content": words} if words else {})})


def _words(media: OpenedMedia, most: int) -> str:
    if media.mime_type == "application/pdf":
        return pdf.text(media.stream, most)
    if media.mime_type in {"text/html", "application/xhtml+xml"}:
        return markup.read_html(media.stream, most)
    if media.family == "text" or media.mime_type == "application/json":
        return markup.read_plain(media.stream, most)
    return office.text(media.stream, most)
