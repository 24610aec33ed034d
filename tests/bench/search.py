"""Indexing against tantivy alone on the same documents, and how long queries take.

The floor adds what is needed to find, order, count and show the same documents, with tantivy's own tokenizers and
stemmer, and commits once. What Loom does more is the cutting of words in Python (accents, camelCase, numbers).
"""

from __future__ import annotations

import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import tantivy
from tantivy import Occur, Query

from models.search import AssetDocument, Facet, IndexHome, SearchQuery, SearchSort, TantivyReader, TantivyWriter
from tests.bench._timing import percentiles, seconds
from tests.support.documents import SPACE, make_asset_document, make_index_state

_DOCUMENTS = 100_000
_CHANGED = 20_000
_QUERIES = 2_000
_WORDS = (
    *("holiday", "rome", "paris", "red", "bicycle", "wall", "sunset", "family"),
    *("birthday", "report", "invoice", "final", "draft", "tower", "bridge", "été"),
)
_FILES_IN_FOLDER = 50
_KINDS = (("JPG", "image/jpeg"), ("png", "image/png"), ("mp4", "video/mp4"), ("pdf", "application/pdf"))


def main() -> None:
    """Print the ratios for so many documents as one person may have."""
    measure(_DOCUMENTS)


def measure(count: int) -> None:
    """Print the ratios for so many documents."""
    documents = list(_make_documents(count))
    with tempfile.TemporaryDirectory() as folder:
        floor = _rate(len(documents), lambda: _index_plainly(Path(folder, "plain"), documents))
        home = IndexHome(Path(folder, "loom"))
        ours = _rate(len(documents), lambda: _index(home, documents))
        changed = _rate(_CHANGED, lambda: _replace(home, documents[:_CHANGED]))
        print(f"{count:,} documents: {ours:,.0f}/s, {ours / floor:.2f} of tantivy alone ({floor:,.0f}/s)")
        print(f"{_CHANGED:,} replaced in them: {changed:,.0f}/s, {changed / floor:.2f} of tantivy alone")
        reader = TantivyReader(home.path)
        plain = tantivy.Index.open(str(Path(folder, "plain")))
        for name, queries in _make_queries().items():
            bare = percentiles([partial(_search_plainly, plain, query) for query in queries])
            took = percentiles([partial(reader.search, query) for query in queries])
            print(f"query, {name}: {_compared('p50', took[0], bare[0])}, {_compared('p99', took[1], bare[1])}")
        everything = replace(_make_queries()["two words"][0], terms="", facets=tuple(Facet))
        p50, p99 = percentiles([partial(reader.search, everything)] * 200)
        print(f"five facets of all documents: p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms")


def _compared(name: str, ours: float, floor: float) -> str:
    return f"{name} {ours * 1000:.2f} ms ({ours / floor:.1f} of tantivy alone)"


def _search_plainly(index: tantivy.Index, query: SearchQuery) -> list[list[Any]]:
    """All words, each in the name or the path, and what the hits show."""
    searcher, words = index.searcher(), re.findall(r"\w+", query.terms.lower().replace("_", "-"))
    fields = ("name", "path")
    every = [
        Query.disjunction_max_query([Query.term_query(index.schema, field, word, "freq") for field in fields])
        for word in words
    ]
    made = Query.boolean_query([(Occur.Must, each) for each in every]) if every else Query.all_query()
    order: dict[str, Any] = {} if every else {"order_by_field": "seen"}
    hits = searcher.search(made, query.limit, count=True, **order).hits
    return [orjson.loads(bytes(searcher.doc(address).get_first("source") or b"")) for _, address in hits]


def _make_documents(count: int) -> Iterator[AssetDocument]:
    chance = random.Random(7)
    folder = ""
    for number in range(count):
        if number % _FILES_IN_FOLDER == 0:
            folder = "/".join(chance.choices(_WORDS, k=3))
        extension, kind = chance.choice(_KINDS)
        name = f"{chance.choice(('IMG', 'DSC', chance.choice(_WORDS)))}_{chance.randrange(10**5):05}.{extension}"
        yield make_asset_document(
            name, paths=[f"{folder} {2000 + number % 25}/{name}"], mime_type=kind, size=chance.randrange(10**8),
            first_seen=1.7e9 + number,
        )  # fmt: skip


def _index_plainly(folder: Path, documents: Sequence[AssetDocument]) -> None:
    builder = tantivy.SchemaBuilder()
    for field in ("id", "space", "mime", "whole"):
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic")
    for field in ("type", "extension", "year", "order"):
        builder.add_text_field(field, fast=True, tokenizer_name="raw", index_option="basic")
    for field in ("name", "path", "kind"):
        builder.add_text_field(field)
    builder.add_text_field("stem", tokenizer_name="en_stem", index_option="basic")
    for field in ("size", "seen"):
        builder.add_integer_field(field, fast=True, indexed=False)
    builder.add_bytes_field("source", stored=True, indexed=False)
    folder.mkdir()
    writer = tantivy.Index(builder.build(), str(folder)).writer(48_000_000, num_threads=1)
    for asset in documents:
        writer.add_document(_plain_document(asset))
    writer.commit()


def _plain_document(asset: AssetDocument) -> tantivy.Document:
    key, name = str(asset.asset_id), asset.filename
    texts = {
        "id": key, "space": str(asset.space_id), "mime": asset.mime_type, "whole": name, "name": name, "stem": name,
        "type": asset.mime_type.split("/")[0], "extension": name.rpartition(".")[2], "order": name + key,
        "year": str(time.gmtime(asset.first_seen).tm_year), "path": asset.paths[0], "kind": asset.mime_type,
    }  # fmt: skip
    document = tantivy.Document()
    for field, text in texts.items():
        document.add_text(field, text)
    document.add_integer("size", asset.size)
    document.add_integer("seen", int(asset.first_seen * 1000))
    shown = [key, name, asset.mime_type, asset.size, asset.first_seen, asset.paths]
    document.add_bytes("source", orjson.dumps(shown))
    return document


def _index(home: IndexHome, documents: Sequence[AssetDocument]) -> None:
    with home.building():
        generation = home.create()
        writer = TantivyWriter(generation)
        writer.add(documents)
        writer.commit(make_index_state())
        writer.close()
        home.switch(generation)


def _replace(home: IndexHome, documents: Sequence[AssetDocument]) -> None:
    """Write documents again as the feed does, a thousand at a time, with a commit each."""
    generation = home.current()
    assert generation
    writer = TantivyWriter(generation)
    for start in range(0, len(documents), 1000):
        batch = documents[start : start + 1000]
        writer.replace([document.asset_id for document in batch], batch)
        writer.commit(make_index_state())
    writer.close()


def _make_queries() -> dict[str, list[SearchQuery]]:
    chance = random.Random(8)

    def some(make: Callable[[], SearchQuery]) -> list[SearchQuery]:
        return [make() for _ in range(_QUERIES)]

    return {
        "a file name": some(lambda: SearchQuery(SPACE, f"IMG_{chance.randrange(10**5):05}.jpg ")),
        "two words": some(lambda: SearchQuery(SPACE, " ".join(chance.sample(_WORDS, 2)) + " ")),
        "while typing": some(lambda: SearchQuery(SPACE, f"{chance.choice(_WORDS)} {chance.randrange(1000)}")),
        "everything, newest": some(lambda: SearchQuery(SPACE, "", sort=SearchSort.NEWEST)),
    }


def _rate(count: int, act: Callable[[], None]) -> float:
    return count / seconds(act)


if __name__ == "__main__":
    main()
