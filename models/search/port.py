"""What Loom needs of a text index. One writer (the indexer), any number of readers (the web processes)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, NamedTuple, Protocol
from uuid import UUID

from models.errors import Unavailable

PARAGRAPH = "\n\n"
"""Separates texts within a document: a phrase is not found across it."""

DEEPEST_HIT = 10_000
"""Hits beyond this place cannot be paged to: reaching them would cost more than narrowing the search."""


class IndexBroken(Unavailable):
    """The text index failed to read or write its files."""

    code = "index-broken"


class IndexDamaged(IndexBroken):
    """The committed files of the text index cannot be used; it has to be built anew."""

    code = "index-damaged"


class IndexBusy(Unavailable):
    """Another process or thread is writing to this part of the text index."""

    code = "index-busy"


class Part(StrEnum):
    """Parts of documents that not everybody may see who may see the asset. What one may not see is not searched."""

    PATHS = "PATHS"
    TAGS = "TAGS"
    COMMENTS = "COMMENTS"
    ANNOTATIONS = "ANNOTATIONS"


class Facet(StrEnum):
    """What hits can be counted by."""

    TYPE = "type"
    EXTENSION = "extension"
    YEAR = "year"
    CAMERA = "camera"
    TAG = "tag"


class SearchSort(StrEnum):
    """The orders of hits. Only RELEVANCE has scores that mean something."""

    RELEVANCE = "RELEVANCE"
    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    NAME = "NAME"
    SIZE = "SIZE"


class AssetDocument(NamedTuple):
    """What is findable of an asset. `paths` are display texts of its locations, `text` any other words.

    `facts` and `numbers` are by field (`models.search.fields`); `taken` is in seconds since the epoch, `place` in
    degrees north and east. `marks` are what searches are narrowed by (`models.services.search_rights`), each a word
    such as `library:<uuid>`.
    """

    asset_id: UUID
    space_id: UUID
    filename: str
    paths: Sequence[str]
    mime_type: str
    text: str
    size: int
    first_seen: float
    """Seconds since the epoch."""
    marks: Sequence[str] = ()
    tags: Sequence[str] = ()
    comments: Sequence[str] = ()
    annotations: Sequence[str] = ()
    facts: Mapping[str, Sequence[str]] = {}
    numbers: Mapping[str, float] = {}
    taken: float | None = None
    place: tuple[float, float] | None = None


@dataclass(frozen=True)
class Hit:
    """An asset that matches, best first. `highlights` are snippets as plain text."""

    type: ClassVar[str] = "asset"

    asset_id: UUID
    score: float
    title: str
    mime_type: str
    size: int
    sort_date: float
    """First seen, in seconds since the epoch."""
    matched_in: str
    """`title`, `subtitle` (a path), `keywords` (type, tags, facts), `body`, or `fuzzy`: only words that are alike."""
    subtitle: str | None = None
    """The path of a location."""
    highlights: Sequence[str] = field(default_factory=tuple)

    @property
    def uuid(self) -> UUID:
        """Of the element, which is the asset itself."""
        return self.asset_id


@dataclass(frozen=True)
class SearchQuery:
    """A search within one space; `models.search.grammar` says how `terms` are understood.

    `mime` is a prefix; `seen_from` and `seen_to` bound the first sighting, inclusive, in seconds since the epoch. A
    document has one mark at least of each group in `must`, and none of `must_not`. What is not among `parts` is neither
    searched nor shown. `language` is the one whose stems are looked for; None: any. `after` is the key of the last hit
    of the page before, of orders that have one (`SearchPage.last_key`); it takes the place of `offset`.
    """

    space_id: UUID
    terms: str
    limit: int = 25
    offset: int = 0
    sort: SearchSort = SearchSort.RELEVANCE
    mime: str | None = None
    seen_from: float | None = None
    seen_to: float | None = None
    highlight: bool = False
    must: Sequence[Sequence[str]] = ()
    must_not: Sequence[str] = ()
    parts: frozenset[Part] = frozenset(Part)
    language: str | None = None
    facets: Sequence[Facet] = ()
    after: int | None = None
    within: Part | None = None
    """Words are looked for in this part alone."""
    is_forgiving: bool = True
    """If nothing has the words, words that are alike are looked for."""


@dataclass(frozen=True)
class SearchPage:
    """A page of hits and how many there are in all."""

    hits: Sequence[Hit]
    total: int
    facets: Mapping[Facet, Sequence[tuple[str, int]]] = field(default_factory=dict)
    """Of all hits, the most frequent values and how many have them."""
    last_key: int | None = None
    """Of the last hit; None where hits are ordered by no number."""
    is_fuzzy: bool = False
    """Nothing has the words: these have words that are alike."""


@dataclass(frozen=True)
class IndexState:
    """What an index holds: all events of one database up to a position in its log.

    `database` identifies the database, and `witness` the event at the position, so that an index is never continued
    with another history than the one it was built from.
    """

    schema: int
    database: str
    xid: int
    id: int
    witness: str
    synced_at: float
    """When the index was last known to be up to date, in seconds since the epoch."""


class SearchReader(Protocol):
    """Answers queries from the index as last committed."""

    def search(self, query: SearchQuery) -> SearchPage:
        """Find assets. Up to `DEEPEST_HIT` they can be paged; pages fit together while the index does not change.

        Raises:
            InvalidInput: when the terms cannot be understood, saying where.
            Unavailable: when there is no index yet.
        """

    def document_count(self) -> int | None:
        """Count the documents in the index; None when there is no index yet."""

    def buckets(self) -> Mapping[str, tuple[int, int]]:
        """Give the number of documents and the sum of their stamps, by bucket; raises as `search`."""

    def stamps(self, bucket: str) -> Mapping[UUID, int]:
        """Give the stamp of each document in a bucket; raises as `search`."""

    def state(self) -> IndexState | None:
        """Tell how far the index has come; None when there is no index yet."""
