"""Documents and indexes for tests of the search."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from models.ids import new_id
from models.search import SCHEMA_VERSION, AssetDocument, Generation, IndexHome, IndexState, TantivyWriter

SPACE = UUID(int=1)


def make_asset_document(filename: str, **changes: Any) -> AssetDocument:
    """An asset in the space of the tests."""
    given: dict[str, Any] = {
        "asset_id": new_id(),
        "space_id": SPACE,
        "filename": filename,
        "paths": (),
        "mime_type": "image/jpeg",
        "text": "",
        "size": 1000,
        "first_seen": 1.7e9,
    }
    return AssetDocument(**{**given, **changes})


def make_index_state(**changes: Any) -> IndexState:
    """What an index of nothing in particular holds."""
    given = {"schema": SCHEMA_VERSION, "database": "db", "xid": 1, "id": 1, "witness": "w", "synced_at": time.time()}
    return IndexState(**{**given, **changes})


def build_generation(home: IndexHome, documents: Sequence[AssetDocument]) -> Generation:
    """Build a generation and make it the live one."""
    with home.building():
        generation = home.create()
        writer = TantivyWriter(generation)
        writer.add(documents)
        writer.commit(make_index_state())
        writer.close()
        home.switch(generation)
    return generation


def build_index(folder: Path, *documents: AssetDocument) -> IndexHome:
    """Make an index of these documents."""
    home = IndexHome(folder)
    build_generation(home, documents)
    return home


class Silent:
    """Nobody asks how far the making of an index is."""

    def begin(self, total: int) -> None:
        """Begin."""

    def advance(self, done: int) -> None:
        """Go on."""
