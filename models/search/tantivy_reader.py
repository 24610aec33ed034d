"""The reader that web processes hold: opens the live generation when first asked, and keeps up with it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

import tantivy

from models.errors import InvalidInput, Unavailable
from models.logs import get_logger
from models.search.grammar import Term, Terms, parse_terms
from models.search.guarding import guarded
from models.search.layout import Generation, IndexHome
from models.search.port import DEEPEST_HIT, Hit, IndexBroken, IndexState, SearchPage, SearchQuery, SearchSort
from models.search.schema import SCHEMA_VERSION, SORT_DATE, SORT_NAME, SORT_SIZE, Source, unpack
from models.search.snippets import highlights, matched_in
from models.search.tantivy_query import make_query

_LOOK_SECONDS = 0.2
"""How often the files are looked at: a commit shows at the latest this much later."""
_OPEN_TRIES = 3
_UNREADABLE = "The text index cannot be read; it is being rebuilt"
_LARGEST_PAGE = 1000
_ORDERS = {
    SearchSort.NEWEST: (SORT_DATE, tantivy.Order.Desc),
    SearchSort.OLDEST: (SORT_DATE, tantivy.Order.Asc),
    SearchSort.NAME: (SORT_NAME, tantivy.Order.Asc),
    SearchSort.SIZE: (SORT_SIZE, tantivy.Order.Desc),
}

logger = get_logger(__name__)

Stamp = tuple[int, int, int]


@dataclass
class Opened:
    """A generation that is open, as of a commit."""

    generation: Generation
    current: Stamp
    meta: Stamp
    index: tantivy.Index


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
                return _search(opened.index, query, terms)
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
        return Opened(generation, current, meta, index)


def _reload(opened: Opened) -> Opened:
    meta = _stamp(opened.generation.segments / "meta.json")
    if meta != opened.meta:
        with guarded():
            opened.index.reload()
        opened.meta = meta
    return opened


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _search(index: tantivy.Index, query: SearchQuery, terms: Terms) -> SearchPage:
    searcher = index.searcher()
    sort = query.sort
    if sort is SearchSort.RELEVANCE and not terms.wanted:
        # Nothing to be relevant to.
        sort = SearchSort.NEWEST
    order: dict[str, Any] = {}
    if sort in _ORDERS:
        order["order_by_field"], order["order"] = _ORDERS[sort]
    result = searcher.search(
        make_query(index.schema, query, terms), query.limit, count=True, offset=query.offset, **order
    )
    hits = [
        _hit(_shown(unpack(searcher.doc(address)), query), 0.0 if order else value, terms.wanted, query)
        for value, address in result.hits
    ]
    return SearchPage(hits, int(result.count or 0))  # type: ignore[attr-defined]  # missing in tantivy.pyi


def _shown(source: Source, query: SearchQuery) -> Source:
    return source if query.has_paths else replace(source, paths=[])


def _hit(source: Source, score: float, wanted: Sequence[Term], query: SearchQuery) -> Hit:
    return Hit(
        asset_id=source.asset_id,
        score=score,
        title=source.filename,
        subtitle=source.paths[0] if source.paths else None,
        mime_type=source.mime_type,
        size=source.size,
        sort_date=source.first_seen,
        matched_in=matched_in(source, wanted),
        highlights=highlights(source, wanted) if query.highlight else (),
    )
