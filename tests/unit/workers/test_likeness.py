"""What is alike is grouped, and nothing else."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.likeness_scores import Scores, score_films, score_pictures
from workers.processing.likeness import alike_by_bits, as_words, films_alike, stars


def _never() -> None:
    """Nobody asks for an end."""


def _insist(scores: Scores) -> None:
    print(f"\n{scores}")
    assert min(scores.recall.values()) >= 0.95
    assert scores.precision >= 0.99


def test_copies_of_pictures_are_found() -> None:
    _insist(score_pictures(24))


def test_copies_of_films_are_found() -> None:
    _insist(score_films(4))


@given(st.lists(st.integers(0, 2**128 - 1), max_size=40), st.integers(0, 48), st.randoms())
def test_groups_are_stars_around_the_first(numbers: list[int], most_bits: int, chance: Random) -> None:
    near = [number ^ (1 << chance.randrange(128)) for number in numbers[:5]]
    numbers = [*numbers, *near, *numbers[:2]]
    groups = alike_by_bits(as_words([f"{number:032x}" for number in numbers]), most_bits, _never)
    members = [place for group in groups for place in (group.keeper, *(other for other, _ in group.others))]
    assert len(members) == len(set(members)), "everything is in one group at most"
    for group in groups:
        for other, score in group.others:
            distance = (numbers[group.keeper] ^ numbers[other]).bit_count()
            assert group.keeper < other
            assert distance <= most_bits
            assert score == pytest.approx(1 - distance / 128)
    keepers = {group.keeper for group in groups}
    alone = [place for place in range(len(numbers)) if place not in members]
    for place in [*alone, *keepers]:
        earlier = [each for each in [*alone, *keepers] if each < place]
        distances = [(numbers[each] ^ numbers[place]).bit_count() for each in earlier]
        assert all(distance > most_bits for distance in distances), "what is alike is together"


def test_chains_fall_apart() -> None:
    groups = stars([(0, 1, 0.9), (1, 2, 0.9), (2, 3, 0.9)])
    assert [(group.keeper, [other for other, _ in group.others]) for group in groups] == [(0, [1]), (2, [3])]


def test_a_thousand_blank_pages_are_one_group() -> None:
    (group,) = alike_by_bits(as_words(["0" * 32] * 1000), 26, _never)
    assert (group.keeper, len(group.others)) == (0, 999)


def test_common_frames_bring_no_films_together() -> None:
    chance = Random(1)
    titles = f"{chance.getrandbits(128):032x}"
    films = [as_words([titles, *(f"{chance.getrandbits(128):032x}" for _ in range(9))]) for _ in range(30)]
    assert films_alike(films, 32, 0.5, _never) == []


def test_nothing_is_alike_nothing() -> None:
    assert alike_by_bits(as_words([]), 26, _never) == []
    assert films_alike([], 32, 0.5, _never) == []
