"""The text index: what is findable of an asset, the reader that web processes hold, and the indexer's writer."""

from models.search.layout import Generation, IndexHome
from models.search.port import (
    DEEPEST_HIT,
    PARAGRAPH,
    AssetDocument,
    Facet,
    Hit,
    IndexBroken,
    IndexBusy,
    IndexDamaged,
    IndexState,
    Part,
    SearchPage,
    SearchQuery,
    SearchReader,
    SearchSort,
)
from models.search.schema import SCHEMA_VERSION, bucket_of, stamp_of
from models.search.tantivy_reader import TantivyReader
from models.search.tantivy_writer import TantivyWriter

__all__ = [
    "DEEPEST_HIT",
    "PARAGRAPH",
    "SCHEMA_VERSION",
    "AssetDocument",
    "Facet",
    "Generation",
    "Hit",
    "IndexBroken",
    "IndexBusy",
    "IndexDamaged",
    "IndexHome",
    "IndexState",
    "Part",
    "SearchPage",
    "SearchQuery",
    "SearchReader",
    "SearchSort",
    "TantivyReader",
    "TantivyWriter",
    "bucket_of",
    "stamp_of",
]
