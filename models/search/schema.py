"""How a document lies in tantivy: the fields, and what is written into them.

Adding a field: here, in `tantivy_query.py` if it is to be searched, and a higher `SCHEMA_VERSION`, which makes every
index be built anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

import orjson
import tantivy

from models.search.port import PARAGRAPH, AssetDocument
from models.search.words import LONGEST_WORD, find_compounds, join_words, sort_key

SCHEMA_VERSION = 2

ASSET_ID, SPACE_ID, MIME, MARK, SOURCE = "asset_id", "space_id", "mime", "mark", "source"
NAME, COMPOUND, PATH, KIND, TEXT = "name", "compound", "path", "kind", "text"
SORT_NAME, SORT_DATE, SORT_SIZE = "sort_name", "sort_date", "sort_size"

_MILLISECONDS = 1000
_TIE_BITS = 16
_LARGEST_KEY = 2**47 - 1
"""What is left of a signed 64-bit number: sizes up to 128 TiB, and some 4,000 years."""
_TIE_MASK = (1 << _TIE_BITS) - 1
"""Equal keys are told apart by the random end of a UUIDv7, so that pages fit together."""
_MOST_TEXT = 64 * 1024
_MOST_PATHS = 32
_encode = json.JSONEncoder(separators=(",", ":")).encode


def make_schema() -> tantivy.Schema:
    """Declare the fields. Words come ready made from `words.py`, hence the tokenizer that only splits at spaces."""
    builder = tantivy.SchemaBuilder()
    for exact in (ASSET_ID, SPACE_ID, MIME, MARK):
        builder.add_text_field(exact, tokenizer_name="raw", index_option="basic")
    for words in (NAME, COMPOUND, PATH, KIND, TEXT):
        builder.add_text_field(words, tokenizer_name="whitespace", index_option="position")
    builder.add_text_field(SORT_NAME, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field(SORT_DATE, fast=True, indexed=False)
    builder.add_integer_field(SORT_SIZE, fast=True, indexed=False)
    builder.add_bytes_field(SOURCE, stored=True, indexed=False)
    return builder.build()


def make_document(asset: AssetDocument) -> tantivy.Document:
    """Lay an asset out for the index."""
    paths, text, asset_id = list(asset.paths[:_MOST_PATHS]), asset.text[:_MOST_TEXT], str(asset.asset_id)
    document = tantivy.Document()
    document.add_text(ASSET_ID, asset_id)
    document.add_text(SPACE_ID, _space_text(asset.space_id))
    document.add_text(MIME, asset.mime_type.lower())
    for mark in asset.marks:
        document.add_text(MARK, mark)
    document.add_text(KIND, _remembered_words(asset.mime_type)[0])
    _add_names(document, asset.filename, paths)
    for paragraph in text.split(PARAGRAPH) if text else ():
        document.add_text(TEXT, join_words(paragraph))
    tie = asset.asset_id.int & _TIE_MASK
    document.add_text(SORT_NAME, f"{_name_order(asset.filename)}\x00{asset_id}")
    document.add_integer(SORT_DATE, date_order(asset.first_seen) + tie)
    document.add_integer(SORT_SIZE, _size_order(asset.size) + tie)
    source = [asset_id, asset.filename, asset.mime_type, asset.size, asset.first_seen, paths, text]
    document.add_bytes(SOURCE, _pack(source))
    return document


def _pack(source: list[object]) -> bytes:
    try:
        return orjson.dumps(source)
    except orjson.JSONEncodeError:
        # A lone surrogate, or a number beyond 64 bits: ASCII escapes carry anything, ten times slower.
        return _encode(source).encode("ascii")


def _add_names(document: tantivy.Document, filename: str, paths: Sequence[str]) -> None:
    words, compounds = join_words(filename), find_compounds(filename)
    document.add_text(NAME, words)
    for path in paths:
        folder, _, name = path.rpartition("/")
        folder_words, more = _remembered_words(folder)
        if name != filename:
            more = [*more, *find_compounds(name)]
        # One value for each path: a phrase never runs from the end of one into the next.
        document.add_text(PATH, f"{folder_words} {words if name == filename else join_words(name)}")
        compounds += more
    if compounds:
        document.add_text(COMPOUND, " ".join(dict.fromkeys(compounds)))


@lru_cache(maxsize=1024)
def _remembered_words(text: str) -> tuple[str, list[str]]:
    """Cut what many assets have in common: their folder, their type."""
    return join_words(text), find_compounds(text)


_space_text = lru_cache(maxsize=1024)(str)


def date_order(seconds: float) -> int:
    """Give the least place of a moment in time; the bits below tell equal moments apart."""
    milliseconds = int(max(-_LARGEST_KEY, min(_LARGEST_KEY, seconds * _MILLISECONDS)))
    return milliseconds << _TIE_BITS


def last_date_order(seconds: float) -> int:
    """Give the greatest place of a moment in time."""
    return date_order(seconds) + _TIE_MASK


def _size_order(size: int) -> int:
    return min(size, _LARGEST_KEY) << _TIE_BITS


def _name_order(filename: str) -> str:
    return sort_key(filename)[:LONGEST_WORD].encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True)
class Source:
    """What a hit shows, as it was when the document was written."""

    asset_id: UUID
    filename: str
    mime_type: str
    size: int
    first_seen: float
    paths: list[str]
    text: str


def unpack(document: tantivy.Document) -> Source:
    """Read back what a hit shows."""
    asset_id, *rest = json.loads(bytes(document.get_first(SOURCE) or b""))
    return Source(UUID(asset_id), *rest)
