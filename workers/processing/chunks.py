"""Two facts about contents that tell copies which have stopped on the way.

The chunk hash is the SHA-256 of the first 5 MiB, or 5 % if that is more: a cheap test before comparing whole files. The
zero chunks are the whole blocks of 4096 zeros behind the first 4 MiB: room was made for them, and nothing arrived.
"""

from __future__ import annotations

import hashlib

_LEAST_PREFIX = 5 * 1024**2
_PREFIX_SHARE = 20
_BLOCK = 4096
_ZEROS = bytes(_BLOCK)
_FIRST = 4 * 1024**2


class ChunkFacts:
    """Computes both while a content of a known size, in bytes, is read."""

    def __init__(self, size: int) -> None:
        self.zero_chunks = 0
        self._prefix = hashlib.sha256()
        self._prefix_left = max(_LEAST_PREFIX, size // _PREFIX_SHARE)
        self._offset = 0
        self._part = b""

    @property
    def chunk_hash(self) -> str:
        """Hex of the SHA-256 of the beginning."""
        return self._prefix.hexdigest()

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes into account."""
        view = memoryview(data)
        if self._prefix_left:
            self._prefix.update(view[: self._prefix_left])
            self._prefix_left = max(0, self._prefix_left - len(view))
        skipped = min(len(view), max(0, _FIRST - self._offset))
        self._offset += len(view)
        self._count(view[skipped:])

    def _count(self, view: memoryview) -> None:
        """Count zero blocks; what is left of one waits for its rest."""
        if self._part:
            more = _BLOCK - len(self._part)
            self._part += bytes(view[:more])
            view = view[more:]
            if len(self._part) < _BLOCK:
                return
            self.zero_chunks += self._part == _ZEROS
        whole = len(view) - len(view) % _BLOCK
        self.zero_chunks += sum(view[at : at + _BLOCK] == _ZEROS for at in range(0, whole, _BLOCK))
        self._part = bytes(view[whole:])
