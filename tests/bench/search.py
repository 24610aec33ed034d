"""Indexing against tantivy alone on the same documents, and how long queries take.

The floor adds name, path and type to a plain schema with tantivy's own tokenizer and commits once. What Loom does
more is the cutting of words in Python (accents, camelCase, numbers), the sort keys and the stored source.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import tantivy

from models.search import AssetDocument, IndexHome, SearchQuery, SearchSort, TantivyReader, TantivyWriter
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
    """Print the ratios."""
    documents = list(_make_documents())
    with tempfile.TemporaryDirectory() as folder:
        floor = _rate(len(documents), lambda: _index_plainly(Path(folder, "plain"), documents))
        home = IndexHome(Path(folder, "loom"))
        ours = _rate(len(documents), lambda: _index(home, documents))
        changed = _rate(_CHANGED, lambda: _replace(home, documents[:_CHANGED]))
        print(f"{_DOCUMENTS:,} documents: {ours:,.0f}/s, {ours / floor:.2f} of tantivy alone ({floor:,.0f}/s)")
        print(f"{_CHANGED:,} replaced in them: {changed:,.0f}/s, {changed / floor:.2f} of tantivy alone")
        reader = TantivyReader(home.path)
        for name, queries in _make_queries().items():
            _report(name, reader, queries)


def _make_documents() -> Iterator[AssetDocument]:
    chance = random.Random(7)
    folder = ""
    for number in range(_DOCUMENTS):
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
    for field in ("id", "name", "path", "kind"):
        builder.add_text_field(field, stored=True, tokenizer_name="raw" if field == "id" else "default")
    folder.mkdir()
    writer = tantivy.Index(builder.build(), str(folder)).writer(48_000_000, num_threads=1)
    for asset in documents:
        document = tantivy.Document()
        document.add_text("id", str(asset.asset_id))
        document.add_text("name", asset.filename)
        document.add_text("path", asset.paths[0])
        document.add_text("kind", asset.mime_type)
        writer.add_document(document)
    writer.commit()


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


def _report(name: str, reader: TantivyReader, queries: Sequence[SearchQuery]) -> None:
    taken = sorted(_seconds(partial(reader.search, query)) for query in queries)
    p50, p99 = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
    print(f"query, {name}: p50 {p50 * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms")


def _rate(count: int, act: Callable[[], None]) -> float:
    return count / _seconds(act)


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
