"""The kind `webhook-call`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import Field

from models.errors import LoomError
from models.pipelines.descriptors import Category, Port
from models.pipelines.outcomes import Outcome, completed, failed
from workers.nodes.base import MEDIA, Acting, Node, Options

_SECONDS, _MOST_ANSWER = 30.0, 64 * 1024


class WebhookOptions(Options):
    """Options of the kind."""

    url: str = Field("", title="Address", description="What is called, by POST")
    event: str = Field("pipeline.asset", title="Event", description="What it is called in the body")


class WebhookCallNode(Node[WebhookOptions]):
    """Tells another server of the asset and of what other nodes found out about it, as JSON by POST.

    The header `X-Loom-Delivery` is the same when it is told once more.
    """

    kind = "webhook-call"
    name = "Webhook"
    category = Category.OUTPUT
    inputs = (
        MEDIA,
        Port("text", "text/*", "Words", is_required=False),
        Port("struct", "struct/*", "A structure", is_required=False),
        Port("flag", "scalar/boolean", "A truth", is_required=False),
    )
    outputs = (Port("delivered", "scalar/boolean", "Delivered"),)
    acts = True
    is_lasting = False
    is_blocking = False
    capability = "io"
    options = WebhookOptions

    def act(self, acting: Acting, inputs: Mapping[str, Any], options: WebhookOptions) -> Outcome:
        """Tell."""
        if not options.url:
            return failed("Say the address that is to be called")
        if acting.is_dry_run:
            return completed({"delivered": False})
        facts = acting.facts
        body = orjson.dumps({
            "event": options.event,
            "asset": {"uuid": str(facts.asset_id), "sha512": facts.sha512, "mimeType": facts.mime_type,
                      "filename": facts.filename, "size": facts.size},
            **{name: inputs[name] for name in ("text", "struct", "flag") if inputs.get(name) is not None},
        }, option=orjson.OPT_SORT_KEYS)  # fmt: skip
        headers = {
            "Content-Type": "application/json", "X-Loom-Event": options.event,
            "X-Loom-Delivery": hashlib.sha256(options.url.encode() + body).hexdigest(),
        }  # fmt: skip
        if not options.event.isascii() or not options.event.isprintable():
            return failed("The event must be plain words")
        try:
            acting.reach.post(options.url, body, headers, _SECONDS, _MOST_ANSWER)
        except LoomError as error:
            return failed(error.message)
        return completed({"delivered": True})
