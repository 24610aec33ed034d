"""The one writer of a generation. It belongs to the indexer; nobody else may make one for the live generation.

A commit makes the documents durable first and the position after: a crash between the two only means that some
events are read again, and writing a document again replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import tantivy

from models.search.guarding import guarded
from models.search.integrity import Watch
from models.search.layout import Generation
from models.search.port import AssetDocument, IndexBroken, IndexDamaged, IndexState
from models.search.schema import ASSET_ID, make_document, make_schema

HEAP_BYTES = 48_000_000
"""Memory for documents that are not yet in a segment. More makes fewer, larger segments; 15 MB is the least."""

_MOST_REMOVED = 20_000
"""So many removed documents are never worth it."""


class TantivyWriter:
    """Writes to a generation. Not to be shared between threads."""

    def __init__(self, generation: Generation) -> None:
        """Open a generation, new or old, after looking at all its files.

        Raises:
            IndexDamaged: when what was committed cannot be used any more.
            IndexBroken: when it cannot be written to now.
            IndexBusy: when somebody else has it open for writing.
        """
        self.generation = generation
        self._watch = Watch(generation.segments)
        index = self._open_old() if generation.read_state() else self._make_new()
        with guarded():
            self._writer: tantivy.IndexWriter | None = index.writer(HEAP_BYTES, num_threads=1)
        # This is the one writer now, and merges nothing yet: what no segment has was left by one that was killed, or
        # by a merge that was given up. Tantivy forgets such files, and they would pile up.
        self._watch.remove_strays()

    def _make_new(self) -> tantivy.Index:
        with guarded():
            return tantivy.Index(make_schema(), str(self.generation.segments), reuse=False)

    def _open_old(self) -> tantivy.Index:
        try:
            with guarded():
                self._watch.verify()
                return tantivy.Index.open(str(self.generation.segments))
        except IndexBroken as error:
            raise IndexDamaged(error.message) from error

    @property
    def _open(self) -> tantivy.IndexWriter:
        if self._writer is None:
            raise IndexBroken("The text index was closed")
        return self._writer

    def add(self, documents: Iterable[AssetDocument]) -> None:
        """Add assets that the generation does not have yet."""
        with guarded():
            for document in documents:
                self._open.add_document(make_document(document))

    def replace(self, asset_ids: Sequence[UUID], documents: Iterable[AssetDocument]) -> None:
        """Bring these assets up to date: those without a document are removed."""
        with guarded():
            for asset_id in asset_ids:
                self._open.delete_documents_by_term(ASSET_ID, str(asset_id))
        self.add(documents)

    def commit(self, state: IndexState) -> None:
        """Make what was written durable and visible to readers, and with it the position."""
        with guarded():
            self._open.commit()
            self.generation.write_state(state)

    def note(self, state: IndexState) -> None:
        """Move the position over events that changed nothing. Only right when nothing awaits a commit."""
        with guarded():
            self.generation.write_state(state, is_durable=False)

    def check(self) -> None:
        """Look whether anybody touched the files.

        Raises:
            IndexBroken: if so.
        """
        self._watch.check()

    def is_bloated(self) -> bool:
        """Whether removed documents take so much room that it pays to build the index anew.

        Tantivy merges segments by their number, whatever part of them was removed.
        """
        alive, removed = self._watch.count()
        return removed > max(_MOST_REMOVED, alive)

    def close(self, *, wait_for_merges: bool = False) -> None:
        """Let go of the files; what was not committed is forgotten. Merges that go on are given up, unless waited for.

        A merge that was given up is done by the next writer.
        """
        writer, self._writer = self._writer, None
        if writer is not None and wait_for_merges:
            with guarded():
                writer.wait_merging_threads()
