"""What each built-in kind says of itself, word for word: what changes shows in docs/node-descriptors.json."""

from __future__ import annotations

import json
from pathlib import Path

from models.pipelines.spelling import to_json
from workers.nodes import CUSTOM, DESCRIPTORS

GOLDEN = Path(__file__).parents[3] / "docs" / "node-descriptors.json"
_ASKED = {
    "filesystem-source", "asset-source", "sha512", "sha256", "md5", "chunk-hash", "consistency", "metadata",
    "quality", "thumbnail", "dominant-color", "image-hash", "image-descriptor", "fingerprint", "scene-detection",
    "text", "hash-dedup",
    "filter", "tag", "assign", "move", "blacklist-check", "image-manipulation", "watermark", "s3-sink",
    "webhook-call", "http-embedding", "http-service",
}  # fmt: skip


def test_descriptors_are_as_they_were() -> None:
    """To write the file anew: `python -m tests.unit.workers.test_descriptors`."""
    assert json.loads(GOLDEN.read_text()) == json.loads(_spell())


def test_every_kind_that_was_asked_for_is_there_and_explains_itself() -> None:
    assert DESCRIPTORS.keys() - CUSTOM.keys() == _ASKED
    for kind, each in DESCRIPTORS.items():
        assert each.kind == kind
        assert all((each.name, each.description, each.version)), kind
        assert all(parameter.label and parameter.description for parameter in each.own_parameters), kind
        assert all(port.label for port in (*each.inputs, *each.outputs)), kind


def _spell() -> str:
    built_in = {kind: to_json(DESCRIPTORS[kind]) for kind in sorted(DESCRIPTORS.keys() - CUSTOM.keys())}
    return json.dumps(built_in, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(_spell())
