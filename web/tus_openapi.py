"""What the routes of tus 1.0 say of their headers, in OpenAPI's words; to be passed to `web.blueprints.describe`."""

from __future__ import annotations

from typing import Any

from web.tus import PIECE_TYPE, VERSION

Document = dict[str, Any]

_NUMBER: Document = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_TEXT: Document = {"type": "string"}


def _parameter(name: str, description: str, schema: Document = _TEXT, *, is_required: bool = False) -> Document:
    return {"in": "header", "name": name, "description": description, "schema": schema, "required": is_required}


def _header(description: str, schema: Document = _TEXT) -> Document:
    return {"description": description, "schema": schema}


VERSION_PARAMETER = _parameter("Tus-Resumable", "The protocol", {"type": "string", "enum": [VERSION]}, is_required=True)
_CHECKSUM = _parameter("Upload-Checksum", "`sha1`, `sha256` or `sha512`, and that of this body in base64")
_BODY: Document = {"content": {PIECE_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
_MISMATCH: Document = {
    "description": "The body is not what Upload-Checksum says",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_RESPONSES: Document = {
    "408": {"$ref": "#/components/responses/REQUEST_TIMEOUT"},
    "460": _MISMATCH,
    "507": {"$ref": "#/components/responses/INSUFFICIENT_STORAGE"},
}

MOVED: Document = {
    "Upload-Offset": _header("So many bytes are safe", _NUMBER),
    "Upload-Length": _header("Of how many", _NUMBER),
    "Upload-Expires": _header("When the upload is forgotten, unless more comes in"),
    "Upload-Metadata": _header("As it was sent"),
    "Upload-Concat": _header("`partial`, or `final;` and the addresses of its parts"),
    "Upload-Task": _header("The path of the task that makes an asset of what is whole"),
}
CREATED: Document = {"Location": _header("The path of the upload"), **MOVED}
CREATION: Document = {
    "requestBody": {**_BODY, "description": "The first bytes, or none"},
    "parameters": [
        VERSION_PARAMETER,
        _parameter("Upload-Length", "How many bytes will come; not for a concatenation", _NUMBER),
        _parameter(
            "Upload-Metadata", "`filename`, `origin`, `libraryUuid`, `assetUuid`, each with its value in base64"
        ),
        _parameter("Upload-Concat", "`partial`, or `final;` and the addresses of partial uploads"),
        _parameter("Repr-Digest", "Digest of the whole file, such as `sha-512=:…:`; another content is refused"),
        _CHECKSUM,
    ],
    "responses": {**_RESPONSES, "412": {"$ref": "#/components/responses/PRECONDITION_FAILED"}},
}
PIECE: Document = {
    "requestBody": {**_BODY, "required": True},
    "parameters": [
        VERSION_PARAMETER,
        _parameter("Upload-Offset", "Where the bytes go; what HEAD has told", _NUMBER, is_required=True),
        _CHECKSUM,
    ],
    "responses": _RESPONSES,
}
ENDING: Document = {"parameters": [VERSION_PARAMETER]}
STATE: Document = {"responses": {"412": {"$ref": "#/components/responses/PRECONDITION_FAILED"}}}
