"""How well copies are found: of what was made, and as the task that looks for duplicates would group it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from tests.support.near_copies import FILM_COPIES, PICTURE_COPIES, encoded, make_film, make_picture
from workers.handlers.find_duplicates import MOST_FRAME_BITS
from workers.nodes.base import Options
from workers.nodes.fingerprint import FingerprintNode
from workers.nodes.image_hash import dhash, phash
from workers.processing.likeness import Group, alike_by_bits, as_words, films_alike


@dataclass(frozen=True)
class Scores:
    """Recall by the way of copying, and how many of the pairs in groups are copies of the same."""

    recall: dict[str, float]
    precision: float

    def __str__(self) -> str:
        lines = [f"  {name:<28} recall {value:.3f}" for name, value in self.recall.items()]
        return "\n".join([*lines, f"  {'all':<28} precision {self.precision:.4f}"])


def score_pictures(count: int, most_bits: int = 26) -> Scores:
    """Copy so many pictures in every way, and look for them among all."""
    originals = [make_picture(number) for number in range(count)]
    ways = ["", *PICTURE_COPIES]
    all_of = [originals, *([copy(image, at) for at, image in enumerate(originals)] for copy in PICTURE_COPIES.values())]
    hashes = [phash(grey) + dhash(grey) for images in all_of for grey in (image.convert("L") for image in images)]
    return _scores(ways, count, alike_by_bits(as_words(hashes), most_bits, lambda: None))


def score_films(count: int, least_share: float = 0.5) -> Scores:
    """Copy so many films in every way, and look for them among all."""
    made = [make_film(number) for number in range(count)]
    files = [*map(encoded, made), *(copy(film) for copy in FILM_COPIES.values() for film in made)]
    prints = [as_words(_frames(data)) for data in files]
    return _scores(["", *FILM_COPIES], count, films_alike(prints, MOST_FRAME_BITS, least_share, lambda: None))


class _Media:
    def __init__(self, data: bytes) -> None:
        self.stream = BytesIO(data)


def _frames(data: bytes) -> list[str]:
    media: Any = _Media(data)
    hashes: list[str] = FingerprintNode().run(media, {}, Options()).outputs["frames"]["hashes"]
    return hashes


def _scores(ways: Sequence[str], count: int, groups: Sequence[Group]) -> Scores:
    found: set[tuple[int, int]] = set()
    right = wrong = 0
    for group in groups:
        members = [group.keeper, *(other for other, _ in group.others)]
        for place, first in enumerate(members):
            for second in members[place + 1 :]:
                if first % count == second % count:
                    right += 1
                    found.add((min(first, second), max(first, second)))
                else:
                    wrong += 1
    recall = {
        way: sum((at, number * count + at) in found for at in range(count)) / count
        for number, way in enumerate(ways) if way
    }  # fmt: skip
    return Scores(recall, right / (right + wrong) if right else 0.0)
