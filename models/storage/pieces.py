"""Bytes that came in pieces, each under a key of its own, read and stored as if they had come in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from models.errors import NotFound
from models.storage.port import BlobReader, BlobStore, pour


class Piece(NamedTuple):
    """The first `size` bytes under a key; what lies behind them was never acknowledged."""

    key: str
    size: int


class PiecesReader:
    """Reads pieces one after the other, from the first byte to the last."""

    def __init__(self, store: BlobStore, pieces: Sequence[Piece]) -> None:
        self._store = store
        self._pieces = iter(pieces)
        self._reader: BlobReader | None = None
        self._left = 0

    def read(self, size: int) -> bytes:
        """Give up to `size` bytes; empty at the end only.

        Raises:
            NotFound: when a piece is not there, or not all of it.
        """
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._open(piece)
        assert self._reader is not None
        data = self._reader.read(min(size, self._left))
        if size and not data:
            raise NotFound("The stored bytes are not all there")
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Let go of the piece that is open."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _open(self, piece: Piece) -> None:
        self.close()
        self._left = piece.size
        if piece.size:
            self._reader = self._store.read(piece.key)


def read_span(store: BlobStore, pieces: Sequence[Piece], offset: int, size: int) -> bytes:
    """Give `size` bytes of all that the pieces hold, from `offset` on.

    Raises:
        NotFound: when a piece is not there, or not all of it.
    """
    found = []
    for piece in pieces:
        begin, end = max(0, offset), min(piece.size, offset + size)
        if begin < end:
            found.append(_read_exactly(store, piece.key, begin, end - begin))
        offset -= piece.size
    return b"".join(found)


def _read_exactly(store: BlobStore, key: str, offset: int, size: int) -> bytes:
    reader, found = store.read(key), bytearray()
    try:
        reader.seek(offset)
        while len(found) < size:
            data = reader.read(size - len(found))
            if not data:
                raise NotFound("The stored bytes are not all there")
            found += data
    finally:
        reader.close()
    return bytes(found)


def keep_pieces(store: BlobStore, pieces: Sequence[Piece], target: str) -> None:
    """Put the bytes of pieces under one key, durably; a single one is copied by the store itself.

    Raises:
        NotFound: when a piece is not there, or not all of it.
        StorageFull: when there is no room for them.
    """
    if len(pieces) == 1 and store.size(pieces[0].key) == pieces[0].size:
        store.copy(pieces[0].key, target)
        return
    pour(PiecesReader(store, pieces), store.write(target, size=sum(piece.size for piece in pieces)))


def delete_pieces(store: BlobStore, pieces: Sequence[Piece]) -> None:
    """Remove pieces; harmless where they are gone."""
    for piece in pieces:
        store.delete(piece.key)
