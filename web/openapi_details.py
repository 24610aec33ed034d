"""What the schemas of the routes do not say: errors, headers, permissions, examples. One rule for all routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from web.auth import SPACE_HEADER, permissions_of
from web.idempotency import HEADER as IDEMPOTENCY_HEADER
from web.openapi_examples import add_body_example, add_examples
from web.openapi_links import add_links

Document = dict[str, Any]
_PATH_PART = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")
_CHANGES = frozenset({"post", "put", "patch", "delete"})
_ERRORS: Mapping[int, str] = {
    400: "The request is not valid",
    401: "A valid token is missing",
    403: "A permission is missing",
    404: "There is no such element, or it may not be read",
    409: "The element is in a state that does not allow this, or exists already",
    412: "The element was changed by somebody else (If-Match)",
    408: "The body did not come in in time",
    413: "The body is too large",
    415: "The body is of a type that is not understood",
    422: "The Idempotency-Key was used for another request, or the work has failed",
    429: "Too many attempts; see Retry-After",
    503: "A part of Loom that this needs is not available now; see Retry-After",
    507: "There is not enough free space",
}


_TASK_HEADERS: Document = {
    "Location": {"description": "The path of the task", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait before looking at it", "schema": {"type": "integer"}},
}


def _header(name: str, description: str) -> Document:
    return {"in": "header", "name": name, "description": description, "schema": {"type": "string"}}


PARAMETERS: Mapping[str, Document] = {
    "Space": {
        **_header(SPACE_HEADER, "The space that the request is about; else that of the user's account"),
        "schema": {"type": "string", "format": "uuid"},
    },
    "IdempotencyKey": _header(IDEMPOTENCY_HEADER, "Carries the request out once, however often it is sent"),
    "IfMatch": _header("If-Match", "Refuse if the element is in another state than this ETag"),
    "IfNoneMatch": _header("If-None-Match", "Answer 304 if the element is in the state of this ETag"),
    "PreferWait": _header("Prefer", "`wait=N`: answer when the work has ended, at the latest in N seconds"),
    "TaskDiagnostics": _header(
        "X-Task-Diagnostics", "For operators: what to find out about the task that this leads to: `profile`, `memory`"
    ),
}


def complete(document: Document, app: Flask) -> Document:
    """Add to the document, in place, what holds of every route."""
    components = document["components"]
    components["parameters"] = dict(PARAMETERS)
    components["responses"] = {HTTPStatus(code).name: _error(text) for code, text in _ERRORS.items()}
    for rule, method, operation in _operations(document, app):
        _complete_operation(app, rule, method, operation)
    for schema in components["schemas"].values():
        add_examples(schema)
    for _, _, operation in _operations(document, app):
        add_body_example(operation, components["schemas"])
    add_links(document)
    return document


def _operations(document: Document, app: Flask) -> Iterator[tuple[Rule, str, Document]]:
    for rule in app.url_map.iter_rules():
        path = document["paths"].get(_PATH_PART.sub(r"{\1}", rule.rule), {})
        for method in sorted(rule.methods or ()):
            if method.lower() in path:
                yield rule, method.lower(), path[method.lower()]


def _complete_operation(app: Flask, rule: Rule, method: str, operation: Document) -> None:
    endpoint = rule.endpoint.replace(".", "_").replace("-", "_")
    operation["operationId"] = endpoint if len(rule.methods or ()) == 1 else f"{endpoint}_{method}"
    permissions = permissions_of(app.view_functions[rule.endpoint])
    if permissions is None:
        operation["security"] = []
    elif permissions:
        operation["x-permissions"] = [str(permission) for permission in permissions]
    is_element = bool(rule.arguments)
    names = list(_parameters(method, operation, is_element=is_element, is_signed_in=permissions is not None))
    operation.setdefault("parameters", []).extend({"$ref": f"#/components/parameters/{name}"} for name in names)
    responses = operation["responses"]
    responses.pop("default", None)
    if "IfNoneMatch" in names:
        responses.setdefault("304", {"description": "The caller has this state already"})
    if "202" in responses:
        responses["202"]["headers"] = _TASK_HEADERS
    for code in _codes(method, operation, is_element=is_element, is_open=permissions is None):
        responses.setdefault(str(code), {"$ref": f"#/components/responses/{HTTPStatus(code).name}"})


def _parameters(method: str, operation: Document, *, is_element: bool, is_signed_in: bool) -> Iterator[str]:
    if not is_signed_in:
        return
    yield "Space"
    if method == "post":
        yield "IdempotencyKey"
    if is_element and method in _CHANGES:
        yield "IfMatch"
    if is_element and method == "get":
        yield "IfNoneMatch"
    if "202" in operation["responses"]:
        yield "PreferWait"
        yield "TaskDiagnostics"


def _codes(method: str, operation: Document, *, is_element: bool, is_open: bool) -> Iterator[int]:
    """Tell which errors such an operation can end in."""
    yield from (400, 503)
    if is_open:
        yield from ((401, 429) if method == "post" else ())
    else:
        yield from (401, 403, 404)
    if method in _CHANGES:
        yield from (409, 413, 415)
        if method == "post" and not is_open:
            yield 422
        if is_element:
            yield 412
    if "202" in operation["responses"]:
        yield 507


def _error(text: str) -> Document:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}
