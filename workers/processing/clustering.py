"""Vectors that point the same way, in clusters: by their middles, which move as they gain members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
_BLOCK = 4_096
_ROUNDS = 4
"""So often everything is put to the nearest middle again: what came first was judged by few."""


@dataclass(frozen=True)
class Cluster:
    """Members by their places in the input, the nearest to the middle first, with how near they are (cosine)."""

    members: Sequence[tuple[int, float]]
    seed: int | None
    """The middle that was given, if it grew around one."""

    @property
    def score(self) -> float:
        """The mean of its members."""
        return sum(score for _, score in self.members) / len(self.members)


def directions(vectors: Sequence[Sequence[float]]) -> Vectors:
    """Scale vectors to length 1; those that are zero or not finite stay zero, which is near to nothing."""
    found = np.asarray(vectors, dtype=np.float64)
    found[~np.isfinite(found).all(axis=1)] = 0
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
    return scaled.astype(np.float32)


def cluster(
    vectors: Vectors, seeds: Vectors, least_cosine: float, least_members: int, check: Callable[[], None]
) -> list[Cluster]:
    """Put vectors of length 1 into clusters, each of which is near to its middle; what is near to none is left out.

    Those that grow around a seed may have one member. `check` is called now and then, and may raise.
    """
    if not len(vectors):
        return []
    middles = _first_middles(vectors, seeds, least_cosine, check)
    middles = _merged(middles, len(seeds), least_cosine)
    for _ in range(_ROUNDS):
        check()
        nearest, cosines = _nearest(vectors, middles)
        middles = _moved(vectors, nearest, cosines >= least_cosine, middles, len(seeds))
    nearest, cosines = _nearest(vectors, middles)
    return _gathered(nearest, cosines, len(seeds), least_cosine, least_members)


def _first_middles(vectors: Vectors, seeds: Vectors, least: float, check: Callable[[], None]) -> Vectors:
    """Go through once: each joins the nearest middle, or is one."""
    sums = np.zeros((len(seeds) + len(vectors), vectors.shape[1]), dtype=np.float32)
    sums[: len(seeds)] = seeds
    middles, count = sums.copy(), len(seeds)
    for number, vector in enumerate(vectors):
        if number % _BLOCK == 0:
            check()
        if not vector.any():
            continue
        cosines = middles[:count] @ vector
        place = int(cosines.argmax()) if count else 0
        if not count or cosines[place] < least:
            place, count = count, count + 1
        elif place < len(seeds):
            continue  # what was given stays where it is
        sums[place] += vector
        middles[place] = sums[place] / np.linalg.norm(sums[place])
    return middles[:count]


def _merged(middles: Vectors, seeds: int, least: float) -> Vectors:
    """Let go of middles that are as near to an earlier one as members must be."""
    kept: list[int] = []
    for number in range(len(middles)):
        if number < seeds or not kept or float((middles[kept] @ middles[number]).max()) < least:
            kept.append(number)
    return middles[kept]


def _nearest(vectors: Vectors, middles: Vectors) -> tuple[NDArray[np.int64], Vectors]:
    places = np.empty(len(vectors), dtype=np.int64)
    cosines = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        each = vectors[start : start + _BLOCK] @ middles.T
        places[start : start + _BLOCK] = each.argmax(axis=1)
        cosines[start : start + _BLOCK] = each.max(axis=1)
    return places, cosines


def _moved(
    vectors: Vectors, nearest: NDArray[np.int64], is_near: NDArray[np.bool_], middles: Vectors, seeds: int
) -> Vectors:
    """Put each middle in the midst of what is near to it."""
    sums = np.zeros_like(middles)
    np.add.at(sums, nearest[is_near], vectors[is_near])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    moved = np.where(lengths > 0, sums / np.where(lengths > 0, lengths, 1), middles)
    moved[:seeds] = middles[:seeds]
    return moved.astype(np.float32)


def _gathered(
    nearest: NDArray[np.int64], cosines: Vectors, seeds: int, least: float, least_members: int
) -> list[Cluster]:  # fmt: skip
    members: dict[int, list[tuple[int, float]]] = {}
    for number, (place, cosine) in enumerate(zip(nearest.tolist(), cosines.tolist(), strict=True)):
        if cosine >= least:
            members.setdefault(place, []).append((number, min(1.0, cosine)))
    return [
        Cluster(sorted(its, key=lambda each: (-each[1], each[0])), place if place < seeds else None)
        for place, its in sorted(members.items())
        if place < seeds or len(its) >= least_members
    ]
