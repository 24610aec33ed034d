"""The kinds `http-service` and `http-embedding`: a model server is asked about an asset.

What is sent, by POST, as JSON:

    {"asset": {"uuid", "sha512", "mimeType", "filename", "size"}, "task": "...", "text": "...",
     "image": {"mimeType", "data": base64}, "file": {"mimeType", "data": base64}}

`text` and `image` are there if their ports are wired, `file` if the option asks for it. What must come back, with a
status of 2xx:

    {"text": "...", "labels": ["..."], "result": {...},
     "embeddings": [{"vector": [0.1, ...], "model": "...", "type": "...", "frame": 0, "subject": 0, "area": {...}}]}

Each is optional, but for `embeddings`, which `http-embedding` needs.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel, Field, ValidationError, field_validator

from models.errors import LoomError
from models.pipelines.descriptors import Cardinality, Port
from models.pipelines.effects import EmbeddingEffect
from models.pipelines.outcomes import Outcome, completed, failed
from workers.nodes.base import MEDIA, Acting, Artifact, Node, Options

_SECONDS, _MOST_ANSWER = 60.0, 16 * 1024**2
_MOST_VECTORS, _MOST_DIMENSIONS, _MOST_LABELS = 1000, 16_000, 1000


class ServiceOptions(Options):
    """Options of the kind."""

    url: str = Field("", title="Address", description="Of the model server; LOOM_FETCH_ALLOWED_NETWORKS for local ones")
    task: str = Field("", title="Task", description="Passed on, for servers that can do several things")
    send_file: bool = Field(False, title="Send the file", description="As it is; else only what is wired is sent")
    most_mebibytes: int = Field(32, ge=1, le=256, title="Largest file", description="MiB that are sent")


class _Vector(BaseModel):
    vector: list[float] = Field(min_length=1, max_length=_MOST_DIMENSIONS)
    model: str | None = Field(None, max_length=255)
    type: str | None = Field(None, max_length=64)
    frame: int | None = Field(None, ge=0, lt=2**31)
    subject: int | None = Field(None, ge=0, lt=2**31)
    area: dict[str, int] | None = None

    @field_validator("vector")
    @classmethod
    def _finite(cls, value: list[float]) -> list[float]:
        if not all(math.isfinite(each) and abs(each) < 3e38 for each in value):  # noqa: PLR2004 - of float32
            raise ValueError("numbers must be finite")
        return value


class _Answer(BaseModel):
    text: str | None = None
    labels: list[str] = Field(default_factory=list, max_length=_MOST_LABELS)
    result: dict[str, Any] | list[Any] | None = None
    embeddings: list[_Vector] = Field(default_factory=list, max_length=_MOST_VECTORS)


_INPUTS = (
    MEDIA,
    Port("image", "artifact/image", "A picture of it", is_required=False),
    Port("text", "text/*", "Words of it", is_required=False),
)


class HttpServiceNode(Node[ServiceOptions]):
    """Asks a server about the asset (captions, faces, speech) and takes words, labels and a structure from it."""

    kind = "http-service"
    name = "Model server"
    inputs = _INPUTS
    outputs = (
        Port("text", "text/plain", "Words", is_selective=True),
        Port("labels", "scalar/string", "Labels", Cardinality.MANY, is_selective=True),
        Port("result", "struct/json", "Structure", is_selective=True),
    )
    acts = True
    is_blocking = False
    capability = "io"
    options = ServiceOptions

    def act(self, acting: Acting, inputs: Mapping[str, Any], options: ServiceOptions) -> Outcome:
        """Ask."""
        answer = _ask(acting, inputs, options)
        if isinstance(answer, Outcome):
            return answer
        outputs = {"text": answer.text, "labels": answer.labels or None, "result": answer.result}
        effects = _effects(answer)
        return completed({port: value for port, value in outputs.items() if value is not None}, effects=effects)


class HttpEmbeddingNode(Node[ServiceOptions]):
    """Asks a server for vectors of the asset, which are kept as its embeddings."""

    kind = "http-embedding"
    name = "Embedding server"
    inputs = _INPUTS
    outputs = (
        Port("embeddings", "struct/json", "How many, and of which dimensions"),
        Port("count", "scalar/integer", "How many"),
    )
    acts = True
    capability = "io"
    options = ServiceOptions

    def act(self, acting: Acting, inputs: Mapping[str, Any], options: ServiceOptions) -> Outcome:
        """Ask."""
        answer = _ask(acting, inputs, options)
        if isinstance(answer, Outcome):
            return answer
        if not answer.embeddings:
            return failed("The server gave no embeddings")
        told = [{"model": each.model, "dimensions": len(each.vector)} for each in answer.embeddings]
        return completed({"embeddings": told, "count": len(told)}, effects=_effects(answer))


def _ask(acting: Acting, inputs: Mapping[str, Any], options: ServiceOptions) -> _Answer | Outcome:
    if not options.url:
        return failed("Say the address of the server")
    try:
        body = orjson.dumps(_question(acting, inputs, options))
        headers = {"Content-Type": "application/json"}
        found = acting.reach.post(options.url, body, headers, _SECONDS, _MOST_ANSWER)
        return _Answer.model_validate_json(found)
    except ValidationError as error:
        first = error.errors()[0]
        return failed(f"The answer is not as it must be: {'.'.join(map(str, first['loc']))}: {first['msg']}"[:300])
    except LoomError as error:
        return failed(error.message)


def _question(acting: Acting, inputs: Mapping[str, Any], options: ServiceOptions) -> dict[str, Any]:
    facts = acting.facts
    asked: dict[str, Any] = {
        "asset": {"uuid": str(facts.asset_id), "sha512": facts.sha512, "mimeType": facts.mime_type,
                  "filename": facts.filename, "size": facts.size},
        "task": options.task,
    }  # fmt: skip
    if inputs.get("text") is not None:
        asked["text"] = inputs["text"]
    if inputs.get("image") is not None:
        image = inputs["image"]
        kind = image.made.mime_type if isinstance(image, Artifact) else image["mimeType"]
        asked["image"] = {"mimeType": kind, "data": _spell(acting.read_file(image))}
    if options.send_file:
        data = acting.read_asset(options.most_mebibytes * 1024**2)
        asked["file"] = {"mimeType": facts.mime_type, "data": _spell(data)}
    return asked


def _spell(data: bytes) -> str:
    return b64encode(data).decode()


def _effects(answer: _Answer) -> tuple[EmbeddingEffect, ...]:
    rows = [
        {"vector": each.vector, "model": each.model, "frame_number": each.frame, "subject_index": each.subject,
         "area": each.area, **({"type": each.type} if each.type else {})}
        for each in answer.embeddings
    ]  # fmt: skip
    return (EmbeddingEffect(rows),) if rows else ()
