"""What can be done with an element that was just made: links from its creation to its routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

_ELEMENT = re.compile(r"(?P<list>.*)/\{(?P<name>[^{}]+)\}")
_METHODS = ("get", "post", "put", "patch", "delete")
_UUID = "$response.body#/uuid"


def add_links(document: Document) -> None:
    """Link whatever answers with a new element, or a task, to the routes of that element."""
    elements: dict[str, str] = {}
    for kind, path in _elements(document):
        elements.setdefault(kind, path)
    links = document["components"].setdefault("links", {})
    for path, method, operation in _operations(document):
        for code in ("201", "202"):
            answer = operation["responses"].get(code, {})
            place = elements.get(_schema_of(answer), path)
            if method == "post" and "content" in answer:
                found = {name: link for name, link in _links(document, place) if name != operation["operationId"]}
                links.update(found)
                if found:
                    answer["links"] = {name: {"$ref": f"#/components/links/{name}"} for name in found}


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _elements(document: Document) -> Iterator[tuple[str, str]]:
    """Give each kind of body together with the path of the list that holds such elements."""
    for path, item in document["paths"].items():
        match = _ELEMENT.fullmatch(path)
        if match and "{" not in match["list"] and "get" in item:
            yield _schema_of(item["get"]["responses"].get("200", {})), match["list"]


def _links(document: Document, place: str) -> Iterator[tuple[str, Document]]:
    """Give a link to each route of the elements of a list that needs nothing else than a uuid."""
    for path, _, operation in _operations(document):
        match = _ELEMENT.match(path)
        if path.startswith(f"{place}/{{") and path.count("{") == 1 and match:
            parameters = {match["name"]: _UUID}
            yield operation["operationId"], {"operationId": operation["operationId"], "parameters": parameters}


def _schema_of(answer: Document) -> str:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return str(schema.get("$ref", ""))
