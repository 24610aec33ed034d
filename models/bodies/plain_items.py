"""Items of bulk requests that say nothing out of the ordinary, read without a schema, which takes ten times as long.

These functions give just what the schemas of `models.bodies.bulk` would, or None: then the schema decides, and says
what is wrong. A test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from models.bodies.asset_requests import DEFAULTS
from models.bodies.fields import BIGGEST, LONGEST_NAME
from models.ids import is_storable

Columns = dict[str, Any]
Plain = tuple[Columns, Sequence[dict[str, Any]]]
_SHA512 = re.compile(r"[0-9a-fA-F]{128}")
_MIME_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
_CREATION = frozenset({"clientRef", "file", "hashes", "meta", "tags"})
_CHANGE = frozenset({"clientRef", "hashes", "update"})
_UPDATE = frozenset({"file", "meta"})
_TAGS = [{"name"}, {"collection", "name"}]
_MOST_TAGS = 100
_LONGEST = 255
_MOST_META, _LONGEST_META = 100, 1000


def plain_creation(item: Mapping[str, Any]) -> Plain | None:
    """Read the creation of an asset; gives its columns, and the tags that it shall have."""
    file = item.get("file")
    if not (item.keys() <= _CREATION and isinstance(file, dict) and len(file) == len(_FILE)) or "hashes" not in item:
        return None
    columns = _file_columns(file)
    sha512, meta, tags = _sha512_of(item), item.get("meta"), item.get("tags", ())
    if columns is None or sha512 is None or not (_is_plain_rest(item) and _is_plain_meta(meta) and _are_plain(tags)):
        return None
    found = {**DEFAULTS, **columns, "sha512": sha512}
    if meta is not None:
        found["meta"] = meta
    return found, tags


def plain_change(item: Mapping[str, Any]) -> Plain | None:
    """Read the change of an asset; gives the columns that shall be other ones, and the SHA-512 that is meant."""
    update = item.get("update")
    if not (item.keys() <= _CHANGE and isinstance(update, dict) and update.keys() <= _UPDATE):
        return None
    file, meta, sha512 = update.get("file", {}), update.get("meta"), _sha512_of(item)
    columns = _file_columns(file) if isinstance(file, dict) else None
    if columns is None or sha512 is None or not _is_plain_rest(item) or not _is_plain_meta(meta):
        return None
    if columns.get("size") == 0:
        del columns["size"]
    found = {**columns, "sha512": sha512}
    if meta is not None:
        found["meta"] = meta
    return found, ()


def _sha512_of(item: Mapping[str, Any]) -> str | None:
    hashes = item.get("hashes")
    if not isinstance(hashes, dict) or len(hashes) != 1:
        return None
    sha512 = hashes.get("sha512")
    return sha512.lower() if isinstance(sha512, str) and _SHA512.fullmatch(sha512) else None


def _is_text(value: Any, shortest: int, longest: int) -> bool:
    return isinstance(value, str) and shortest <= len(value) <= longest and is_storable(value)


_FILE: Mapping[str, tuple[str, Any]] = {
    "filename": ("filename", lambda value: _is_text(value, 1, LONGEST_NAME)),
    "mimeType": ("mime_type", lambda value: isinstance(value, str) and _MIME_TYPE.fullmatch(value)),
    "origin": ("origin", lambda value: _is_text(value, 1, _LONGEST)),
    "size": ("size", lambda value: type(value) is int and 0 <= value <= BIGGEST),
}


def _file_columns(file: Mapping[str, Any]) -> Columns | None:
    columns = {}
    for key, value in file.items():
        known = _FILE.get(key)
        if known is None or not known[1](value):
            return None
        columns[known[0]] = value
    if "mime_type" in columns:
        columns["mime_type"] = columns["mime_type"].lower()
    return columns


def _is_plain_rest(item: Mapping[str, Any]) -> bool:
    return "clientRef" not in item or _is_text(item["clientRef"], 0, _LONGEST)


def _is_plain_meta(meta: Any) -> bool:
    """Whether it is none, or a small flat object."""
    if meta is None:
        return True
    return (
        type(meta) is dict
        and len(meta) <= _MOST_META
        and all(_is_text(key, 0, _LONGEST_META) and _is_plain_value(value) for key, value in meta.items())
    )


def _are_plain(tags: Any) -> bool:
    """Whether they are none, or named by name and perhaps collection alone."""
    return isinstance(tags, list | tuple) and len(tags) <= _MOST_TAGS and all(map(_is_plain_tag, tags))


def _is_plain_tag(tag: Any) -> bool:
    return type(tag) is dict and tag.keys() in _TAGS and all(_is_text(value, 1, LONGEST_NAME) for value in tag.values())


def _is_plain_value(value: Any) -> bool:
    kind: type = type(value)
    if kind is str:
        return _is_text(value, 0, _LONGEST_META)
    if kind is int or kind is float:
        return bool(-BIGGEST < value < BIGGEST)
    return value is None or kind is bool
