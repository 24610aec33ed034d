"""Sparse answers: `fields=uuid,name,file.filename` leaves everything else out of an element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from marshmallow import Schema

from models.errors import InvalidInput
from models.ids import printable
from web.blueprints import query

Body = dict[str, Any]
Pick = Callable[[Body], Body]
_Tree = dict[str, Any]

FIELDS_PARAMETER = query("fields", "string", "Comma list of the keys to answer with, nested ones as `file.size`")


def read_fields(schema: Schema) -> Pick:
    """Read which keys of such elements the request at hand wants; all, unless it says so.

    Raises:
        InvalidInput: naming a key that such elements do not have.
    """
    text = request.args.get("fields")
    if not text:
        return lambda body: body
    known = {field.data_key or name for name, field in schema.fields.items()}
    tree = _read_tree(text)
    if unknown := sorted(tree.keys() - known):
        raise InvalidInput(f"fields: unknown key '{printable(unknown[0])}'; known: {', '.join(sorted(known))}")
    return lambda body: _pick(body, tree)


def _read_tree(text: str) -> _Tree:
    tree: _Tree = {}
    for path in filter(None, (part.strip() for part in text.split(","))):
        branch = tree
        for key in path.split("."):
            branch = branch.setdefault(key, {})
    return tree


def _pick(body: Any, tree: _Tree) -> Any:
    if not tree:
        return body
    if isinstance(body, list):
        return [_pick(part, tree) for part in body]
    if not isinstance(body, dict):
        return body
    return {key: _pick(body[key], branch) for key, branch in tree.items() if key in body}
