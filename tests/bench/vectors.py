"""Embeddings that are near, among 100,000 of 256 dimensions: against comparing all, and against bare pgvector.

The floor asks a table that has nothing but ids and vectors for the nearest, by an index of the same kind. Loom looks at
rights, spaces and the blacklist besides. What is right is told by comparing all.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from models.migrating import migrate
from models.permissions import Actor
from models.services.similarity import Sought, similar_embeddings
from models.services.vector_keys import EmbeddingKey, make_index
from models.wiring import Platform, build
from tests.bench._timing import percentiles
from tests.support.actors import first_user
from tests.support.engines import throw_away_engines
from tests.support.settings import make_settings
from workers.nodes import DESCRIPTORS

VECTORS, DIMENSIONS, GROUPS, QUERIES = 100_000, 256, 200, 200
_SPREAD = 0.35
"""Of vectors around the middle of their group: what models give is not spread evenly."""


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory(prefix="loom-bench-") as folder, throw_away_engines(Path(folder)) as home:
        settings = make_settings(Path(folder, "home"), home)
        migrate(settings, DESCRIPTORS.values())
        platform = build(settings, connections=2)
        actor = first_user(platform)
        chance = random.Random(5)
        middles = [_vector(chance) for _ in range(GROUPS)]
        sought = [_near(chance, chance.choice(middles)) for _ in range(QUERIES)]
        _fill(platform, actor, (_near(chance, chance.choice(middles)) for _ in range(VECTORS)))
        right = [_ask(platform, actor, each) for each in sought[:50]]
        begun = time.perf_counter()
        make_index(platform.engine, EmbeddingKey(actor.space_id, "SCENE", "m", DIMENSIONS))
        print(f"index of {VECTORS:,} vectors: {time.perf_counter() - begun:.0f} s", flush=True)
        _make_floor(platform)
        floor = percentiles([partial(_ask_floor, platform, each) for each in sought])
        ours = percentiles([partial(_ask, platform, actor, each) for each in sought])
        found = [_ask(platform, actor, each) for each in sought[: len(right)]]
        recall = sum(len(set(a) & set(b)) for a, b in zip(right, found, strict=True)) / sum(map(len, right))
        print(f"recall@10 {recall:.3f}")
        for name, mine, bare in zip(("p50", "p99"), ours, floor, strict=True):
            print(f"{name} {mine * 1000:.2f} ms, {mine / bare:.1f} of pgvector alone ({bare * 1000:.2f} ms)")
        platform.close()


def _vector(chance: random.Random) -> list[float]:
    return [chance.gauss(0, 1) for _ in range(DIMENSIONS)]


def _near(chance: random.Random, middle: Sequence[float]) -> list[float]:
    return [value + chance.gauss(0, _SPREAD) for value in middle]


def _fill(platform: Platform, actor: Actor, vectors: Any) -> None:
    with platform.unit_of_work() as uow:
        uow.execute(
            """INSERT INTO asset (id, space_id, sha512, size, mime_type, filename, origin)
               SELECT gen_random_uuid(), :space, decode(lpad(to_hex(number), 128, '0'), 'hex'), 1,
                      'image/jpeg', 'a', 'b'
               FROM generate_series(1, :count) AS number""",
            space=actor.space_id,
            count=VECTORS,
        )
        ids = [row[0] for row in uow.fetch("SELECT id FROM asset")]
        driver: Any = uow.session.connection().connection.driver_connection
        columns = "id, space_id, asset_id, type, model, vector, dimensions"
        with driver.cursor() as cursor, cursor.copy(f"COPY embedding ({columns}) FROM STDIN") as copy:
            for asset_id, vector in zip(ids, vectors, strict=True):
                spelt = "{" + ",".join(f"{value:.6f}" for value in vector) + "}"
                copy.write_row((asset_id, actor.space_id, asset_id, "SCENE", "m", spelt, DIMENSIONS))
        uow.commit()
    with platform.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE embedding, asset")


def _make_floor(platform: Platform) -> None:
    with platform.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        value = f"CAST(vector AS vector({DIMENSIONS}))"
        connection.exec_driver_sql(f"CREATE TABLE bare AS SELECT id, {value} AS value FROM embedding")
        connection.exec_driver_sql("CREATE INDEX ON bare USING hnsw (value vector_cosine_ops)")
        connection.exec_driver_sql("VACUUM ANALYZE bare")


def _ask(platform: Platform, actor: Actor, vector: Sequence[float]) -> list[UUID]:
    with platform.unit_of_work() as uow:
        found = similar_embeddings(uow, platform.vectors, actor, Sought(vector, type="SCENE", model="m"), 10, None)
    return [each.embedding_id for each in found]


def _ask_floor(platform: Platform, vector: Sequence[float]) -> list[Any]:
    spelt = "[" + ",".join(repr(value) for value in vector) + "]"
    with platform.unit_of_work() as uow:
        uow.execute("SELECT set_config('hnsw.ef_search', '100', true)")
        return uow.fetch("SELECT id FROM bare ORDER BY value <=> CAST(%(value)s AS vector) LIMIT 10", value=spelt)


if __name__ == "__main__":
    main()
