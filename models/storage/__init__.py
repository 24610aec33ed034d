"""The blob store: bytes by key. Content lies at `ab/cd/<sha512>`, unfinished uploads at `staging/<uuid>`."""

from models.storage.opening import open_store
from models.storage.pieces import Piece, PiecesReader, delete_pieces, keep_pieces, read_span
from models.storage.port import BlobReader, BlobStore, BlobWriter, blob_key, staging_key

__all__ = [
    "BlobReader",
    "BlobStore",
    "BlobWriter",
    "Piece",
    "PiecesReader",
    "blob_key",
    "delete_pieces",
    "keep_pieces",
    "open_store",
    "read_span",
    "staging_key",
]
