"""The only place that picks adapters: settings in, a `Platform` with every port out."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from models.bus import Bus, RedisBus
from models.connections import connect
from models.search import SearchReader, TantivyReader
from models.services.vector_index import PgvectorIndex, StoredIndex, VectorIndex
from models.settings import Settings
from models.storage import BlobStore, open_store
from models.unit_of_work import Reading, UnitOfWork
from models.vectors import QdrantStore


@dataclass(frozen=True)
class Platform:
    """What a process works with: its settings and its engines."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    autocommit_sessions: sessionmaker[Session]
    bus: Bus
    blobs: BlobStore
    search: SearchReader
    vectors: VectorIndex

    def unit_of_work(self) -> UnitOfWork:
        """Begin a transaction."""
        return UnitOfWork(self.sessions, self.bus)

    def reading(self) -> UnitOfWork:
        """Begin to read."""
        return Reading(self.engine, self.autocommit_sessions, self.bus)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()
        if isinstance(self.vectors, StoredIndex):
            self.vectors.store.close()
        self.bus.close()


def build(settings: Settings, *, connections: int | None = None) -> Platform:
    """Wire a process. Nothing is connected before it is used."""
    engine = connect(settings, connections=connections)
    return Platform(
        settings=settings,
        engine=engine,
        sessions=sessionmaker(engine, expire_on_commit=False),
        autocommit_sessions=sessionmaker(
            engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False, autoflush=False
        ),
        bus=RedisBus(settings.broker_url),
        blobs=open_store(settings.blob_url, min_free_bytes=settings.storage_min_free_space),
        search=TantivyReader(settings.loom_home.index),
        vectors=_vector_index(settings),
    )


def _vector_index(settings: Settings) -> VectorIndex:
    if settings.qdrant_url is None:
        return PgvectorIndex()
    return StoredIndex(QdrantStore.at(settings.qdrant_url, settings.qdrant_api_key), "qdrant")
