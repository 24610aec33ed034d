"""The reader that web processes hold: opens the live generation when first asked, and keeps up with it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from uuid import UUID

import tantivy

from models.errors import InvalidInput, Unavailable
from models.logs import get_logger
from models.search.grammar import Term, Terms, parse_terms
from models.search.guarding import guarded
from models.search.layout import Generation, IndexHome
from models.search.port import (
    DEEPEST_HIT,
    Facet,
    Hit,
    IndexBroken,
    IndexState,
    Part,
    SearchPage,
    SearchQuery,
    SearchSort,
)
from models.search.schema import (
    BUCKET,
    FACETS,
    RECENCY,
    SCHEMA_VERSION,
    SORT_DATE,
    SORT_NAME,
    SORT_SIZE,
    STAMP,
    STEM,
    Source,
    unpack,
)
from models.search.snippets import highlights, matched_in
from models.search.stems import LANGUAGES, language_mark
from models.search.tantivy_query import make_query

_LOOK_SECONDS = 0.2
"""How often the files are looked at: a commit shows at the latest this much later."""
_OPEN_TRIES = 3
_UNREADABLE = "The text index cannot be read; it is being rebuilt"
_LARGEST_PAGE = 1000
_MOST_VALUES = 50
"""Of a facet."""
_ORDERS = {
    SearchSort.NEWEST: (SORT_DATE, tantivy.Order.Desc),
    SearchSort.OLDEST: (SORT_DATE, tantivy.Order.Asc),
    SearchSort.NAME: (SORT_NAME, tantivy.Order.Asc),
    SearchSort.SIZE: (SORT_SIZE, tantivy.Order.Desc),
}

logger = get_logger(__name__)

Stamp = tuple[int, int, int]


_BY_BUCKET = {
    "all": {"terms": {"field": BUCKET, "size": 256}, "aggs": {"sum": {"sum": {"field": STAMP}}}}
}  # fmt: skip


@dataclass
class Opened:
    """A generation that is open, as of a commit."""

    generation: Generation
    current: Stamp
    meta: Stamp
    index: tantivy.Index
    languages: tuple[str, ...]
    """Those that there are stems of."""


class TantivyReader:
    """See `models.search.port.SearchReader`. Cheap to make; may be shared between threads and greenlets."""

    def __init__(self, path: Path) -> None:
        self._home = IndexHome(path)
        self._opened: Opened | None = None
        self._looked = float("-inf")
        self._lock = Lock()

    def search(self, query: SearchQuery) -> SearchPage:
        """Find assets.

        Raises:
            InvalidInput: when the terms cannot be understood, saying where.
            Unavailable: when there is no index yet.
        """
        if not 0 < query.limit <= _LARGEST_PAGE:
            raise InvalidInput(f"The size of a page is between 1 and {_LARGEST_PAGE}")
        if not 0 <= query.offset <= DEEPEST_HIT - query.limit:
            raise InvalidInput(f"Only the first {DEEPEST_HIT} hits can be paged to; please narrow the search")
        terms = parse_terms(query.terms)
        opened = self._open()
        try:
            with guarded():
                return _search(opened, query, terms)
        except IndexBroken as error:
            logger.warning("a search failed", reason=error.message)
            raise Unavailable(_UNREADABLE) from error

    def document_count(self) -> int | None:
        """Count the documents in the index; None when there is no index yet."""
        try:
            opened = self._open()
            with guarded():
                return int(opened.index.searcher().num_docs)
        except Unavailable:
            return None

    def buckets(self) -> dict[str, tuple[int, int]]:
        """Give the number of documents, and the sum of their stamps, by bucket.

        Raises:
            Unavailable: when there is no index yet.
        """
        opened = self._open()
        with guarded():
            counted = opened.index.searcher().aggregate(tantivy.Query.all_query(), _BY_BUCKET)
        return {each["key"]: (each["doc_count"], int(each["sum"]["value"])) for each in counted["all"]["buckets"]}

    def stamps(self, bucket: str) -> dict[UUID, int]:
        """Give the stamp of each document in a bucket.

        Raises:
            Unavailable: when there is no index yet.
        """
        opened = self._open()
        with guarded():
            searcher = opened.index.searcher()
            query = tantivy.Query.term_query(opened.index.schema, BUCKET, bucket)
            found = searcher.search(query, max(1, int(searcher.num_docs)), order_by_field=STAMP)
            return {unpack(searcher.doc(address)).asset_id: int(stamp) for stamp, address in found.hits}

    def state(self) -> IndexState | None:
        """Tell how far the index has come; None when there is no index yet."""
        generation = self._home.current()
        return None if generation is None else generation.read_state()

    def _open(self) -> Opened:
        """Give the live generation as of its last commit, looking at the disk only now and then."""
        with self._lock:
            now = time.monotonic()
            if self._opened is None or now - self._looked >= _LOOK_SECONDS:
                self._opened = self._look(self._opened)
                self._looked = now
            return self._opened

    def _look(self, opened: Opened | None) -> Opened:
        self._opened = None
        for _ in range(_OPEN_TRIES):
            try:
                current = _stamp(self._home.current_file)
            except OSError as error:
                raise Unavailable("There is no text index yet; it is being built") from error
            try:
                if opened is None or opened.current != current:
                    return self._open_current(current)
                return _reload(opened)
            except (IndexBroken, OSError):
                # The generation gave way to another one while we opened it, or it is damaged.
                opened = None
        raise Unavailable(_UNREADABLE)

    def _open_current(self, current: Stamp) -> Opened:
        generation = self._home.current()
        state = generation.read_state() if generation else None
        if generation is None or state is None or state.schema != SCHEMA_VERSION:
            raise IndexBroken
        meta = _stamp(generation.segments / "meta.json")
        with guarded():
            index = tantivy.Index.open(str(generation.segments))
            # By default tantivy starts a thread that watches the files, for every index.
            index.config_reader("manual")
            index.reload()
            return Opened(generation, current, meta, index, _languages(index))


def _reload(opened: Opened) -> Opened:
    meta = _stamp(opened.generation.segments / "meta.json")
    if meta != opened.meta:
        with guarded():
            opened.index.reload()
            opened.languages = _languages(opened.index)
        opened.meta = meta
    return opened


def _languages(index: tantivy.Index) -> tuple[str, ...]:
    searcher = index.searcher()
    return tuple(code for code in LANGUAGES if searcher.doc_freq(STEM, language_mark(code)))


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _search(opened: Opened, query: SearchQuery, terms: Terms) -> SearchPage:
    searcher, schema = opened.index.searcher(), opened.index.schema
    made = make_query(schema, query, terms, opened.languages)
    found = _run(schema, searcher, made, query, terms)
    is_fuzzy = query.is_forgiving and not found.total and bool(terms.wanted)
    if is_fuzzy:
        made = make_query(schema, query, terms, opened.languages, is_fuzzy=True)
        found = _run(schema, searcher, made, query, terms)
        is_fuzzy = bool(found.total)
    hidden: dict[str, Any] = {name: [] for part, name in _HIDDEN.items() if part not in query.parts}
    wanted = terms.wanted
    hits = [_hit(unpack(searcher.doc(address))._replace(**hidden), score, wanted, query, is_fuzzy=is_fuzzy)
            for score, address in found.hits]  # fmt: skip
    return SearchPage(hits, found.total, _count(searcher, made, query.facets), found.last_key, is_fuzzy)


class _Found(NamedTuple):
    """Hits with their scores, how many there are in all, and the key of the last."""

    hits: Sequence[tuple[float, tantivy.DocAddress]]
    total: int
    last_key: int | None


def _run(
    schema: tantivy.Schema, searcher: tantivy.Searcher, made: tantivy.Query, query: SearchQuery, terms: Terms
) -> _Found:
    # Without words, there is nothing to be relevant to.
    is_relevance = query.sort is SearchSort.RELEVANCE and bool(terms.wanted)
    if is_relevance:
        result = searcher.search(made, query.limit, count=True, offset=query.offset, weight_by_field=RECENCY)
        return _Found(result.hits, _count_of(result), None)
    field, order = _ORDERS[SearchSort.NEWEST if query.sort is SearchSort.RELEVANCE else query.sort]
    page, offset = made, query.offset
    if query.after is not None and field != SORT_NAME:
        page, offset = _behind(schema, made, field, order, query.after), 0
    result = searcher.search(page, query.limit, count=True, offset=offset, order_by_field=field, order=order)
    total = _count_of(result) if page is made else _count_of(searcher.search(made, 1, count=True))
    last = result.hits[-1][0] if result.hits and field != SORT_NAME else None
    return _Found([(0.0, address) for _, address in result.hits], total, last)


def _behind(
    schema: tantivy.Schema, made: tantivy.Query, field: str, order: tantivy.Order, key: int
) -> tantivy.Query:  # fmt: skip
    """Match what comes behind a key: as far into the hits as one likes, at no more cost than the first page."""
    bounds = (None, key - 1) if order == tantivy.Order.Desc else (key + 1, None)
    rest = tantivy.Query.range_query(schema, field, tantivy.FieldType.Integer, *bounds)
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, made), (tantivy.Occur.Must, rest)])


def _count_of(result: tantivy.SearchResult) -> int:
    return int(result.count or 0)  # type: ignore[attr-defined]  # missing in tantivy.pyi


def _count(
    searcher: tantivy.Searcher, made: tantivy.Query, facets: Sequence[Facet]
) -> dict[Facet, list[tuple[str, int]]]:
    if not facets:
        return {}
    asked = {str(facet): {"terms": {"field": FACETS[facet], "size": _MOST_VALUES}} for facet in facets}
    counted = searcher.aggregate(made, asked)
    return {facet: [(each["key"], each["doc_count"]) for each in counted[facet]["buckets"]] for facet in facets}


_HIDDEN = {
    Part.PATHS: "paths", Part.TAGS: "tags", Part.COMMENTS: "comments", Part.ANNOTATIONS: "annotations"
}  # fmt: skip


def _hit(source: Source, score: float, wanted: Sequence[Term], query: SearchQuery, *, is_fuzzy: bool) -> Hit:
    return Hit(
        asset_id=source.asset_id,
        score=score,
        title=source.filename,
        subtitle=source.paths[0] if source.paths else None,
        mime_type=source.mime_type,
        size=source.size,
        sort_date=source.first_seen,
        matched_in="fuzzy" if is_fuzzy else matched_in(source, wanted),
        highlights=highlights(source, wanted) if query.highlight else (),
    )
