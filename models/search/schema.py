"""How a document lies in tantivy: the fields, and what is written into them.

Adding a field: here, in `tantivy_query.py` if it is to be searched, and a higher `SCHEMA_VERSION`, which makes every
index be built anew.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import orjson
import tantivy

from models.search.fields import NUMBERS
from models.search.port import PARAGRAPH, AssetDocument, Facet
from models.search.stems import guess_language, language_mark, stems_of
from models.search.words import LONGEST_WORD, cut_name, fact_words, join_words, sort_key, split_words

SCHEMA_VERSION = 5

ASSET_ID, SPACE_ID, MIME, MARK, SOURCE = "asset_id", "space_id", "mime", "mark", "source"
NAME, COMPOUND, PATH, KIND, TEXT = "name", "compound", "path", "kind", "text"
TAG, COMMENT, ANNOTATION, FACT, STEM, WHOLE = "tag", "comment", "annotation", "fact", "stem", "whole"
SORT_NAME, SORT_DATE, SORT_SIZE = "sort_name", "sort_date", "sort_size"
TAKEN, LATITUDE, LONGITUDE, RECENCY = "taken", "latitude", "longitude", "recency"
BUCKET, STAMP = "bucket", "stamp"
FACETS = {facet: f"facet_{facet}" for facet in Facet}
_TYPE, _YEAR, _EXTENSION, _CAMERA, _TAG = (
    FACETS[facet] for facet in (Facet.TYPE, Facet.YEAR, Facet.EXTENSION, Facet.CAMERA, Facet.TAG)
)  # fmt: skip
NUMBER_FIELDS = {name: f"number_{name}" for name in sorted(NUMBERS)}

_MILLISECONDS = 1000
_TIE_BITS = 16
_LARGEST_KEY = 2**47 - 1
"""What is left of a signed 64-bit number: sizes up to 128 TiB, and some 4,000 years."""
_TIE_MASK = (1 << _TIE_BITS) - 1
"""Equal keys are told apart by the random end of a UUIDv7, so that pages fit together."""
_MOST_TEXT = 64 * 1024
_MOST_PATHS = 32
_MOST_SHOWN, _MOST_SHOWN_TEXTS = 500, 20
"""Of comments and annotations that a hit can show."""
_YEARS_SECONDS = 365.2425 * 86400
_RECENCY_GROWTH = 0.04
"""Scores are multiplied by log2(2 + recency): what is ten years newer counts a tenth more, and breaks ties."""
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


def make_schema() -> tantivy.Schema:
    """Declare the fields. Words come ready made from `words.py`, hence the tokenizer that only splits at spaces."""
    builder = tantivy.SchemaBuilder()
    for exact in (ASSET_ID, SPACE_ID, MIME, MARK):
        builder.add_text_field(exact, tokenizer_name="raw", index_option="basic")
    for exact in (STEM, WHOLE):
        builder.add_text_field(exact, tokenizer_name="whitespace" if exact == STEM else "raw", index_option="basic")
    for facet in FACETS.values():
        builder.add_text_field(facet, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field(BUCKET, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field(STAMP, fast=True, indexed=False)
    for number in (*NUMBER_FIELDS.values(), LATITUDE, LONGITUDE, RECENCY):
        builder.add_float_field(number, fast=True, indexed=False)
    builder.add_integer_field(TAKEN, fast=True, indexed=False)
    for words in (NAME, COMPOUND, PATH, KIND, TEXT, TAG, COMMENT, ANNOTATION, FACT):
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
    document.add_text(BUCKET, bucket_of(asset.asset_id))
    document.add_integer(STAMP, stamp_of(asset))
    document.add_text(MIME, asset.mime_type.lower())
    for mark in asset.marks:
        document.add_text(MARK, mark)
    document.add_text(KIND, _remembered_words(asset.mime_type)[0])
    name_words = _add_names(document, asset.filename, paths)
    paragraphs = [join_words(paragraph) for paragraph in text.split(PARAGRAPH)] if text else []
    for paragraph in paragraphs:
        document.add_text(TEXT, paragraph)
    text_words = " ".join(paragraphs).split()
    language = guess_language(text_words)
    _add_stems(document, asset, [*name_words.split(), *text_words], language)
    _add_said(document, asset, language)
    _add_facts(document, asset)
    _add_facets(document, asset)
    tie = asset.asset_id.int & _TIE_MASK
    called = _name_order(asset.filename)
    document.add_text(SORT_NAME, f"{called}\x00{asset_id}")
    document.add_text(WHOLE, called)
    if stem := called.rpartition(".")[0]:
        document.add_text(WHOLE, stem)
    document.add_integer(SORT_DATE, date_order(asset.first_seen) + tie)
    document.add_integer(SORT_SIZE, size_order(asset.size) + tie)
    source = [
        asset_id, asset.filename, asset.mime_type, asset.size, asset.first_seen, paths, text, list(asset.tags),
        [value for values in asset.facts.values() for value in values],
        _shortened(asset.comments), _shortened(asset.annotations),
    ]  # fmt: skip
    document.add_bytes(SOURCE, _pack(source))
    return document


def bucket_of(asset_id: UUID) -> str:
    """Give the bucket of an asset: its id ends at random, so all are about the same size."""
    return _BUCKETS[asset_id.int & 0xFF]


_BUCKETS = [f"{number:02x}" for number in range(256)]


def stamp_of(asset: AssetDocument) -> int:
    """Give 32 bits that are others when a document is another: sums of many stay exact in a float."""
    told: list[object] = list(asset)
    told[_MARKS], told[_TAGS] = sorted(asset.marks), sorted(asset.tags)
    return zlib.crc32(_pack(told))


_MARKS, _TAGS = (AssetDocument._fields.index(name) for name in ("marks", "tags"))


def _pack(source: list[object]) -> bytes:
    try:
        return orjson.dumps(source)
    except orjson.JSONEncodeError:
        # A lone surrogate, or a number beyond 64 bits: ASCII escapes carry anything, ten times slower.
        return _encode(source).encode("ascii")


def _add_names(document: tantivy.Document, filename: str, paths: Sequence[str]) -> str:
    """Write what an asset is called and where it lies; gives the words of its name."""
    words, compounds = cut_name(filename)
    document.add_text(NAME, words)
    for path in paths:
        folder, _, name = path.rpartition("/")
        folder_words, more = _remembered_words(folder)
        name_words, others = (words, ()) if name == filename else cut_name(name)
        # One value for each path: a phrase never runs from the end of one into the next.
        document.add_text(PATH, f"{folder_words} {name_words}")
        compounds += [*more, *others]
    if compounds:
        document.add_text(COMPOUND, " ".join(dict.fromkeys(compounds)))
    return words


def _shortened(texts: Sequence[str]) -> list[str]:
    return [each[:_MOST_SHOWN] for each in texts[:_MOST_SHOWN_TEXTS]]


def _add_stems(document: tantivy.Document, asset: AssetDocument, words: list[str], language: str) -> None:
    """Stems of what everybody may see who may see the asset, in the language of its text."""
    for name in _SPOKEN if asset.facts else ():
        for value in asset.facts.get(name, ()):
            words += split_words(value)
    document.add_text(STEM, " ".join([language_mark(language), *stems_of(words, language)]))


_SPOKEN = ("title", "keyword", "album")
"""Facts that are in somebody's language, and not names."""


def _add_said(document: tantivy.Document, asset: AssetDocument, language: str) -> None:
    """What not everybody may see: words and stems in the same field, which is searched or not."""
    for field, texts in ((TAG, asset.tags), (COMMENT, asset.comments), (ANNOTATION, asset.annotations)):
        for text in texts:
            words = join_words(text)
            document.add_text(field, words)
            document.add_text(field, " ".join(stems_of(words.split(), language)))


def _add_facts(document: tantivy.Document, asset: AssetDocument) -> None:
    for name, values in asset.facts.items():
        for value in values:
            document.add_text(KIND, join_words(value))
            document.add_text(FACT, spell_fact(name, fact_words(value)))
    for name, number in asset.numbers.items():
        document.add_float(NUMBER_FIELDS[name], number)
    if asset.taken is not None:
        document.add_integer(TAKEN, date_order(asset.taken))
    if asset.place is not None:
        document.add_float(LATITUDE, asset.place[0])
        document.add_float(LONGITUDE, asset.place[1])
    years = ((asset.first_seen if asset.taken is None else asset.taken) - _Y2K) / _YEARS_SECONDS
    document.add_float(RECENCY, 2 ** (_RECENCY_GROWTH * max(-100.0, min(100.0, years))))


_Y2K = 946_684_800


def spell_fact(name: str, words: Sequence[str]) -> str:
    """Spell the words of a fact so that they are found under its name alone: `camera=leica camera=q2`."""
    return " ".join(f"{name}={word}" for word in words)


def _add_facets(document: tantivy.Document, asset: AssetDocument) -> None:
    name, dot, extension = asset.filename.rpartition(".")
    moment = asset.first_seen if asset.taken is None else asset.taken
    document.add_text(_TYPE, asset.mime_type.partition("/")[0].lower())
    document.add_text(_YEAR, _year_of(int(moment // _DAY_SECONDS)))
    if name and dot and extension.isalnum():
        document.add_text(_EXTENSION, extension.casefold()[:LONGEST_WORD])
    for camera in asset.facts.get("camera", ()):
        document.add_text(_CAMERA, camera[:LONGEST_WORD])
    for tag in asset.tags:
        document.add_text(_TAG, tag[:LONGEST_WORD])


_DAY_SECONDS = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY, _LAST_DAY = -717_000, 2_930_000
"""Between the years 6 and 9992."""


@lru_cache(maxsize=4096)
def _year_of(day: int) -> str:
    return str((_EPOCH + timedelta(days=max(_FIRST_DAY, min(_LAST_DAY, day)))).year)


@lru_cache(maxsize=1024)
def _remembered_words(text: str) -> tuple[str, list[str]]:
    """Cut what many assets have in common: their folder, their type."""
    return cut_name(text)


_space_text = lru_cache(maxsize=1024)(str)


def date_order(seconds: float) -> int:
    """Give the least place of a moment in time; the bits below tell equal moments apart."""
    milliseconds = seconds * _MILLISECONDS
    if not -_LARGEST_KEY < milliseconds < _LARGEST_KEY:
        milliseconds = max(-_LARGEST_KEY, min(_LARGEST_KEY, milliseconds))
    return int(milliseconds) << _TIE_BITS


def last_date_order(seconds: float) -> int:
    """Give the greatest place of a moment in time."""
    return date_order(seconds) + _TIE_MASK


def size_order(size: int) -> int:
    """Give the least place of a size."""
    return min(size, _LARGEST_KEY) << _TIE_BITS


def last_size_order(size: int) -> int:
    """Give the greatest place of a size."""
    return size_order(size) + _TIE_MASK


def _name_order(filename: str) -> str:
    called = sort_key(filename)[:LONGEST_WORD]
    return called if called.isascii() else called.encode("utf-8", "replace").decode("utf-8")


class Source(NamedTuple):
    """What a hit shows, as it was when the document was written."""

    asset_id: UUID
    filename: str
    mime_type: str
    size: int
    first_seen: float
    paths: list[str]
    text: str
    tags: list[str]
    facts: list[str]
    comments: list[str]
    annotations: list[str]


def unpack(document: tantivy.Document) -> Source:
    """Read back what a hit shows."""
    packed = bytes(document.get_first(SOURCE) or b"")
    try:
        asset_id, *rest = orjson.loads(packed)
    except orjson.JSONDecodeError:
        asset_id, *rest = json.loads(packed)  # see `_pack`
    return Source(UUID(asset_id), *rest)
