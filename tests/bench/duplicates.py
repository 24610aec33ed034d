"""Copies of 200 pictures and 30 films, made in fifteen ways: how many are found, and how many that are none.

And how long it takes to compare 100,000 pictures, all with all: against the same comparisons in PostgreSQL.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from models.wiring import build
from tests.support.engines import throw_away_engines
from tests.support.likeness_scores import Scores, score_films, score_pictures
from tests.support.settings import make_settings
from workers.processing.likeness import alike_by_bits, as_words

PICTURES, FILMS = 200, 30
COMPARED, COMPARED_BY_DATABASE = 100_000, 4_000


def main() -> None:
    """Print the figures."""
    for name, scores in (("pictures", score_pictures(PICTURES)), ("films", score_films(FILMS))):
        print(f"{name}:\n{scores}", flush=True)
        _insist(name, scores)
    hashes = [f"{random.Random(number).getrandbits(128):032x}" for number in range(COMPARED)]
    begun = time.perf_counter()
    alike_by_bits(as_words(hashes), 26, lambda: None)
    pairs = (time.perf_counter() - begun) / (COMPARED * COMPARED / 2)
    floor = _database_seconds(hashes[:COMPARED_BY_DATABASE]) / (COMPARED_BY_DATABASE * COMPARED_BY_DATABASE / 2)
    print(f"{COMPARED:,} pictures compared in {pairs * COMPARED * COMPARED / 2:.0f} s: {pairs * 1e9:.1f} ns a pair,")
    print(f"{pairs / floor:.3f} of the time of PostgreSQL, comparing bits ({floor * 1e9:.0f} ns a pair)")


def _insist(name: str, scores: Scores) -> None:
    worst = min(scores.recall.values())
    assert worst >= 0.95, f"{name}: recall {worst}"
    assert scores.precision >= 0.99, f"{name}: precision {scores.precision}"


def _database_seconds(hashes: list[str]) -> float:
    with tempfile.TemporaryDirectory(prefix="loom-bench-") as folder, throw_away_engines(Path(folder)) as home:
        platform = build(make_settings(Path(folder, "home"), home), connections=1)
        with platform.unit_of_work() as uow:
            uow.execute("CREATE TEMP TABLE print (id int, bits bit(128))")
            uow.execute(
                """INSERT INTO print SELECT row_number() OVER (), CAST('x' || digits AS bit(128))
                   FROM unnest(string_to_array(:digits, ',')) AS digits""",
                digits=",".join(hashes),
            )
            begun = time.perf_counter()
            uow.fetch(
                """SELECT a.id, b.id FROM print AS a JOIN print AS b ON b.id > a.id
                   WHERE bit_count(a.bits # b.bits) <= 26"""
            )
            seconds = time.perf_counter() - begun
        platform.close()
    return seconds
