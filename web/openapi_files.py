"""What routes that take or give files say of them in OpenAPI's words; to be passed to `web.blueprints.describe`."""

from __future__ import annotations

from functools import cache
from typing import Any

from marshmallow import Schema, fields

from models.bodies.fields import RequestSchema

Document = dict[str, Any]

_BYTES: Document = {"type": "string", "format": "binary"}
_ETAG: Document = {"description": "Names these bytes", "schema": {"type": "string"}}
_RANGE: Document = {
    "in": "header",
    "name": "Range",
    "description": "`bytes=first-last`: answer with this part only",
    "schema": {"type": "string"},
}
_WHOLE: Document = {
    "Accept-Ranges": {"description": "`bytes`", "schema": {"type": "string"}},
    "Content-Disposition": {"description": "How the file is called", "schema": {"type": "string"}},
    "ETag": _ETAG,
}
_PART: Document = {**_WHOLE, "Content-Range": {"description": "Which part this is", "schema": {"type": "string"}}}
_OUTSIDE: Document = {"Content-Range": {"description": "How many bytes there are", "schema": {"type": "string"}}}


_DIGESTS = tuple(
    {
        "in": "header", "name": name, "schema": {"type": "string"},
        "description": f"Digest of {what}, such as `sha-512=:…:` in base64; if it is another, nothing is stored",
    }
    for name, what in (("Repr-Digest", "the file"), ("Content-Digest", "the whole body"))
)  # fmt: skip


class FileFormSchema(RequestSchema):
    """A form with one file."""


def takes_file(form: type[Schema] = FileFormSchema, json: type[Schema] | None = None) -> Document:
    """Describe a body that is a form with one file, or the bytes themselves; `json`: or this, instead of a file."""
    content: Document = {
        "multipart/form-data": {"schema": _with_file(form)},
        "application/octet-stream": {"schema": _BYTES},
    }
    if json is not None:
        content["application/json"] = {"schema": json}
    return {"requestBody": {"required": True, "content": content}, "parameters": list(_DIGESTS)}


@cache
def _with_file(form: type[Schema]) -> type[Schema]:
    file = fields.Raw(required=True, metadata=_BYTES)
    return form.from_dict({"file": file}, name=form.__name__.replace("Form", "Upload"))


def gives_text() -> Document:
    """Describe an answer that is a small file of some form of text."""
    return {
        "responses": {"200": {"description": "The text", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    }


def gives_file(json: Any = None) -> Document:
    """Describe an answer that is a file of any type, or a part of it; `json`: or this, to who asks for JSON."""
    content: Document = {"*/*": {"schema": _BYTES}}
    if json is not None:
        content = {"application/json": {"schema": json}, **content}
    return {
        "parameters": [_RANGE],
        "responses": {
            "200": {"description": "The bytes", "headers": _WHOLE, "content": content},
            "206": {"description": "The part asked for", "headers": _PART, "content": {"*/*": {"schema": _BYTES}}},
            "304": {"description": "The caller has these bytes already", "headers": {"ETag": _ETAG}},
            "412": {"$ref": "#/components/responses/PRECONDITION_FAILED"},
            "416": {
                "description": "The part asked for lies outside of the file",
                "headers": _OUTSIDE,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
