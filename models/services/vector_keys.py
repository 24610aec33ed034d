"""Vectors that can be compared with each other, and their HNSW indexes (pgvector, `hnsw`).

Vectors stay where they are written: embeddings in `embedding`, fingerprints in the components that pipelines write. So
what is found is never older than what is there, rights are those of lists, and nothing can drift. An index of one kind
of embedding in one space makes finding quick once there are many; without one, all are compared.

Fingerprints have no such index and are all compared: of a picture that is there a thousand times, HNSW links the copies
with each other alone, and what lies next to them is reached no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from models.errors import Unavailable
from models.unit_of_work import UnitOfWork

FEWEST_INDEXED = 2_000
"""So many are compared one by one in a few milliseconds."""
MOST_COMPARED_DIMENSIONS = 16_000
"""What pgvector's `vector` can hold."""
MOST_INDEXED_DIMENSIONS = 2_000
"""What pgvector's HNSW can hold."""
LAYOUT_TYPE, LAYOUT_MODEL = "IMAGE_LAYOUT", "loom-layout-1"
"""Of embeddings that the node `image-descriptor` makes."""
_LOCK = "loom:vector-indexes"
_PREFIX = "ix_vectors_"


@dataclass(frozen=True)
class Fingerprint:
    """A kind of perceptual hash: which component has it where, and how many bits it has."""

    name: str
    node_kind: str
    port: str
    bits: int

    @property
    def text(self) -> str:
        """The hash as a component has it, in SQL."""
        return f"(payload #>> '{{data,{self.port}}}')"

    @property
    def value(self) -> str:
        """The hash as bits, in SQL; NULL for what is none, as components come from clients, too."""
        digits = self.bits // 4
        is_one = f"{self.text} ~ '^[0-9a-f]{{{digits}}}$'"
        return f"CAST(CASE WHEN {is_one} THEN CAST('x' || {self.text} AS bit({self.bits})) END AS bit({self.bits}))"


FINGERPRINTS = {
    each.name: each
    for each in (
        Fingerprint("phash", "image-hash", "phash", 64), Fingerprint("dhash", "image-hash", "dhash", 64),
        Fingerprint("loom-video-1", "fingerprint", "fingerprint", 256),
    )
}  # fmt: skip


@dataclass(frozen=True)
class EmbeddingKey:
    """Embeddings of one type, model and number of dimensions in one space."""

    space_id: UUID
    type: str
    model: str | None
    dimensions: int

    @property
    def value(self) -> str:
        """The vector as pgvector has it, in SQL."""
        return f"CAST(vector AS vector({self.dimensions}))"

    @property
    def condition(self) -> sql.Composable:
        """What its rows have in common."""
        model = sql.SQL("IS NULL") if self.model is None else sql.SQL("= {}").format(sql.Literal(self.model))
        return sql.SQL("space_id = {} AND type = {} AND model {} AND dimensions = {}").format(
            sql.Literal(str(self.space_id)), sql.Literal(self.type), model, sql.Literal(self.dimensions)
        )


def require_vectors(uow: UnitOfWork) -> None:
    """Insist that the database can compare vectors.

    Raises:
        Unavailable: when it cannot.
    """
    if not uow.fetch("SELECT 1 FROM pg_extension WHERE extname = 'vector'"):
        raise Unavailable("Vectors cannot be compared: the database has no extension 'vector' (pgvector)")


def install(engine: Engine) -> bool:
    """Add pgvector to the database if it is to be had; tells whether it is there.

    Who may not add it goes on without: an administrator of the database can.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        known = "SELECT installed_version FROM pg_available_extensions WHERE name = 'vector'"
        found = connection.exec_driver_sql(known).one_or_none()
        if found is None or found[0]:
            return found is not None
        try:
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
        except ProgrammingError as error:
            if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                return False
            raise
        return True


def many_keys(uow: UnitOfWork, share: float = 1) -> list[EmbeddingKey]:
    """Give the keys of which there are so many vectors that an index pays, or a share of that."""
    rows = uow.fetch(
        """SELECT space_id, type, model, dimensions FROM embedding WHERE dimensions BETWEEN 1 AND %(most)s
           GROUP BY space_id, type, model, dimensions HAVING count(*) >= %(fewest)s""",
        most=MOST_INDEXED_DIMENSIONS,
        fewest=int(FEWEST_INDEXED * share),
    )
    return [EmbeddingKey(*row) for row in rows]


def index_name(key: EmbeddingKey) -> str:
    """Give the name of a key's index."""
    return _PREFIX + hashlib.sha256(repr(key).encode()).hexdigest()[:32]


def make_index(engine: Engine, key: EmbeddingKey, *, is_anew: bool = False) -> bool:
    """Make the index of a key, while others read and write; tells whether there was none that could be used.

    One that was left half made is made again.
    """
    name = index_name(key)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver: Any = connection.connection.driver_connection
        # Two that make the same index at the same time would wait for each other for ever.
        driver.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [_LOCK])
        try:
            found = driver.execute(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name]
            ).fetchone()
            if found and found[0] and not is_anew:
                return False
            identifier = sql.Identifier(name)
            driver.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(identifier))
            create = "CREATE INDEX CONCURRENTLY {} ON embedding USING hnsw (({}) vector_cosine_ops) WHERE {}"
            driver.execute(sql.SQL(create).format(identifier, sql.SQL(key.value), key.condition))
            return True
        finally:
            driver.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [_LOCK])


def drop_indexes(engine: Engine, kept: Collection[str]) -> int:
    """Remove the indexes that are not among these names, while others read and write; gives how many were removed."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [_LOCK])
        try:
            rows = driver.execute(
                "SELECT indexname FROM pg_indexes WHERE tablename = 'embedding' AND starts_with(indexname, %s)",
                [_PREFIX],
            ).fetchall()
            unwanted = [name for (name,) in rows if name not in kept]
            for name in unwanted:
                driver.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(name)))
            return len(unwanted)
        finally:
            driver.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [_LOCK])
