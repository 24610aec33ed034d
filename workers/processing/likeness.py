"""Which of many things are alike, by the bits of their fingerprints or the angles of their vectors.

All are compared with all, a block at a time: exact, and quick enough (a hundred thousand pictures in a minute or two).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK_CELLS = 4_000_000
"""So many comparisons at once: some tens of megabytes."""
_MOST_SHARED = 200
"""A piece of a frame that more films have than this tells nothing: black, titles, bars."""
_BANDS = 8

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Group:
    """A thing, and those that are like it, with how like they are (0 - 1). All by their places in the input."""

    keeper: int
    others: Sequence[tuple[int, float]]


def as_words(digits: Sequence[str]) -> Words:
    """Pack hexadecimal fingerprints of the same length, whole multiples of 64 bits, into rows of words."""
    width = len(digits[0]) // 16 if digits else 1
    return np.frombuffer(bytes.fromhex("".join(digits)), dtype=">u8").astype(np.uint64).reshape(-1, width)


def alike_by_bits(words: Words, most_bits: int, check: Callable[[], None]) -> list[Group]:
    """Group what differs in so many bits at most. `check` is called now and then, and may raise.

    What is the same bit by bit is compared once: a thousand blank pages are one.
    """
    if not len(words):
        return []
    _, firsts, which = np.unique(words, axis=0, return_index=True, return_inverse=True)
    twins: dict[int, list[int]] = {int(first): [] for first in firsts}
    for place, unique in enumerate(which.reshape(-1).tolist()):
        first = int(firsts[unique])
        if place != first:
            twins[first].append(place)
    order = np.sort(firsts)
    bits = words.shape[1] * 64
    pairs = (
        (int(order[first]), int(order[second]), 1 - distance / bits)
        for first, second, distance in _near_pairs(words[order], most_bits, check)
    )
    groups = stars(pairs, [first for first, others in twins.items() if others])
    return [_with_twins(group, twins) for group in groups]


def _with_twins(group: Group, twins: dict[int, list[int]]) -> Group:
    same = [(twin, 1.0) for twin in twins[group.keeper]]
    others = [(each, score) for other, score in group.others for each in (other, *twins[other])]
    return Group(group.keeper, [*same, *others])


def _near_pairs(words: Words, most_bits: int, check: Callable[[], None]) -> Iterator[tuple[int, int, int]]:
    block = max(1, _BLOCK_CELLS // max(1, len(words)))
    for start in range(0, len(words), block):
        check()
        distance = _distances(words[start : start + block], words[start:])
        rows, columns = np.nonzero(distance <= most_bits)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if row < column:
                yield start + row, start + column, int(distance[row, column])


def _distances(some: Words, others: Words) -> NDArray[np.uint16]:
    total = np.zeros((len(some), len(others)), dtype=np.uint16)
    for word in range(some.shape[1]):
        total += np.bitwise_count(some[:, word, None] ^ others[None, :, word])
    return total


def films_alike(
    films: Sequence[Words], most_bits: int, least_share: float, check: Callable[[], None]
) -> list[Group]:  # fmt: skip
    """Group films of which each has a like frame for so great a share of the other's frames, at least.

    Films that share no piece of a frame, bit by bit, are not compared; copies always share some.
    """
    pairs: list[tuple[int, int, float]] = []
    for number, (first, second) in enumerate(sorted(_candidates(films))):
        if number % 100 == 0:
            check()
        like = _distances(films[first], films[second]) <= most_bits
        share = min(float(like.any(axis=1).mean()), float(like.any(axis=0).mean()))
        if share >= least_share:
            pairs.append((first, second, share))
    return stars(pairs)


def _candidates(films: Sequence[Words]) -> set[tuple[int, int]]:
    """Give those that have a piece of a frame (an eighth of its bits) in common."""
    having: dict[tuple[int, int], set[int]] = defaultdict(set)
    for number, frames in enumerate(films):
        bands = np.ascontiguousarray(frames).view(np.uint16).reshape(len(frames), -1)
        for band in range(min(_BANDS, bands.shape[1])):
            for value in np.unique(bands[:, band]).tolist():
                having[band, value].add(number)
    found: set[tuple[int, int]] = set()
    for sharing in having.values():
        if 1 < len(sharing) <= _MOST_SHARED:
            ordered = sorted(sharing)
            found.update((a, b) for place, a in enumerate(ordered) for b in ordered[place + 1 :])
    return found


def stars(pairs: Iterable[tuple[int, int, float]], alone: Iterable[int] = ()) -> list[Group]:
    """Group around the first of each neighbourhood: so everything in a group is like what is kept.

    Things come best first; those that are `alone` make a group without any other. Chains, in which things are like
    their neighbours only, fall apart.
    """
    near: dict[int, dict[int, float]] = {each: {} for each in alone}
    lonely = frozenset(near)
    for first, second, score in pairs:
        near.setdefault(first, {})[second] = score
        near.setdefault(second, {})[first] = score
    taken: set[int] = set()
    groups: list[Group] = []
    for keeper in sorted(near):
        others = [(other, score) for other, score in sorted(near[keeper].items()) if other not in taken]
        if keeper not in taken and (others or keeper in lonely):
            taken.update([keeper, *(other for other, _ in others)])
            groups.append(Group(keeper, others))
    return groups
