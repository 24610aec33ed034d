"""Example values by the name of the field: the same story is told all through the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]

_UUID = "0192f0c1-7a3e-7cc2-9d1b-3f0a5b6c7d8e"

EXAMPLES: Mapping[str, Any] = {
    "uuid": _UUID,
    "assetUuid": _UUID,
    "poolUuid": _UUID,
    "libraryUuid": _UUID,
    "parentUuid": _UUID,
    "spaceUuid": _UUID,
    "userUuid": _UUID,
    "name": "Lisbon 2026",
    "description": "Photographs of a week in Lisbon",
    "title": "Which bridge is this?",
    "text": "The one over the Tagus, seen from Almada",
    "username": "ines",
    "firstname": "Inês",
    "lastname": "Carvalho",
    "email": "ines@example.org",
    "filename": "bridge.jpg",
    "mimeType": "image/jpeg",
    "origin": "upload",
    "size": 2481733,
    "sha512": "ab" * 64,
    "sha512sum": "ab" * 64,
    "sha256": "cd" * 32,
    "md5": "ef" * 16,
    "fsPath": "/srv/photographs",
    "schedule": "*/15 * * * *",
    "collection": "places",
    "color": "2a9d8f",
    "url": "https://example.org/hooks/loom",
    "created": "2026-11-25T08:30:00Z",
    "edited": "2026-11-25T08:30:00Z",
    "expires": "2027-01-01T00:00:00Z",
    "kind": "search.reindex",
    "lat": 38.6916,
    "lon": -9.1774,
    "rating": 4,
    "message": "Cannot find asset with uuid '0192f0c1-7a3e-7cc2-9d1b-3f0a5b6c7d8e'",
    "statusCode": 404,
    "code": "not-found",
    "meta": {"project": "travel guide"},
}

_PLAIN: Mapping[str, Any] = {"string": "text", "integer": 1, "number": 0.5, "boolean": True, "array": [], "object": {}}
"""By type, for fields that must be given and have no example."""


def add_examples(schema: Document) -> None:
    """Give examples of the fields of a body."""
    for name, described in schema.get("properties", {}).items():
        example = EXAMPLES.get(name)
        if example is not None and "$ref" not in described and _is_of(example, described):
            described.setdefault("examples", [example])


def add_body_example(operation: Document, schemas: Document) -> None:
    """Give an example of the JSON body of a request, and say whether there must be one: none is an empty object."""
    body = operation.get("requestBody", {})
    content = body.get("content", {}).get("application/json")
    if content is not None:
        content["example"] = _example(content["schema"], schemas)
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        if len(body["content"]) == 1 and not schemas.get(name, {"required": ...}).get("required"):
            body["required"] = False


def _example(schema: Document, schemas: Document) -> Any:
    """Make an example of all that has one, and of all that must be there."""
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "properties" in schema:
        needed = schema.get("required", ())
        return {
            name: _example(described, schemas)
            for name, described in schema["properties"].items()
            if name in needed or "examples" in described
        }
    if nested := schema.get("anyOf") or schema.get("allOf") or schema.get("oneOf"):
        return _example(nested[0], schemas)
    return _plain(schema, schemas)


def _plain(schema: Document, schemas: Document) -> Any:
    if "examples" in schema or "enum" in schema:
        return (schema.get("examples") or schema["enum"])[0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        return [_example(schema["items"], schemas)]
    if schema.get("format") == "uuid":
        return _UUID
    return schema.get("minimum", _PLAIN[kind])


def _is_of(example: Any, described: Document) -> bool:
    if "enum" in described:
        return example in described["enum"]
    kinds = described.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    names = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
    return names[type(example)] in kinds
