"""Vectors come together by direction, whatever their length and order."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from workers.processing.clustering import Cluster, Vectors, cluster, directions

NONE = np.zeros((0, 64), dtype=np.float32)


def _never() -> None:
    """Nobody asks for an end."""


def _cloud(chance: Random, groups: int, each: int, spread: float) -> tuple[Vectors, list[int]]:
    looks = [[chance.gauss(0, 1) for _ in range(64)] for _ in range(groups)]
    whose = [number % groups for number in range(groups * each)]
    chance.shuffle(whose)
    vectors = []
    for who in whose:
        length = chance.uniform(0.1, 9)
        vectors.append([(value + chance.gauss(0, spread)) * length for value in looks[who]])
    return directions(vectors), whose


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_found(seed: int) -> None:
    vectors, whose = _cloud(Random(seed), 12, 20, 0.4)
    found = cluster(vectors, NONE, 0.6, 2, _never)
    for each in found:
        assert len({whose[place] for place, _ in each.members}) == 1, "nobody is taken for another"
    assert sum(len(each.members) for each in found) >= 0.97 * len(whose)
    assert len(found) == 12


def test_all_members_are_near_to_the_middle_and_in_one_cluster() -> None:
    chance = Random(9)
    vectors = directions([[chance.gauss(0, 1) for _ in range(64)] for _ in range(400)])
    found = cluster(vectors, NONE, 0.5, 2, _never)
    members = [place for each in found for place, _ in each.members]
    assert len(members) == len(set(members))
    assert all(score >= 0.5 for each in found for _, score in each.members)
    assert all(len(each.members) >= 2 for each in found)


def test_seeds_stay_where_they_are_and_may_have_one_member() -> None:
    vectors = directions([[1, 0.2], [1, 0.3], [0, 1]])
    found = cluster(vectors, directions([[1, 0], [-1, 0]]), 0.9, 2, _never)
    assert found == [Cluster(found[0].members, 0)]
    assert [place for place, _ in found[0].members] == [0, 1]
    (alone,) = cluster(directions([[0, 2]]), directions([[0, 1]]), 0.9, 2, _never)
    assert alone == Cluster([(0, 1.0)], 0)


def test_what_points_nowhere_is_left_out() -> None:
    vectors = directions([[0, 0], [0, 0], [float("nan"), 1], [float("inf"), 1], [1, 1], [2, 2]])
    (only,) = cluster(vectors, np.zeros((0, 2), dtype=np.float32), 0.6, 2, _never)
    assert [place for place, _ in only.members] == [4, 5]
    assert cluster(np.zeros((0, 2), dtype=np.float32), NONE[:, :2], 0.6, 2, _never) == []
