"""Circles on the map, as `near:` asks for them: rectangles of latitude and longitude that cover one."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

EARTH_KM = 6371.0088
POLE, HALF = 90.0, 180.0
"""Degrees of latitude at a pole, and of longitude half way around."""
_STRIPS = 12
"""A circle is covered by so many rectangles, which are larger by a twentieth than it is."""
_CIRCLE = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?),(\d+(?:\.\d+)?)(km|m)?", re.IGNORECASE)
_LONGEST_KM = 20_040.0
"""Half way around the earth: all of it."""
_AT_A_POLE = 1e-12


@dataclass(frozen=True)
class Strip:
    """A rectangle on the map, in degrees."""

    south: float
    north: float
    west: float
    east: float


def read_circle(text: str) -> tuple[Strip, ...]:
    """Read `latitude,longitude,radius`, and cover the circle.

    Raises:
        ValueError: when it is none.
    """
    found = _CIRCLE.fullmatch(text.strip())
    example = "say a latitude, a longitude and how far, such as 52.5,13.4,10km"
    if found is None:
        raise ValueError(example)
    latitude, longitude, radius = float(found[1]), float(found[2]), float(found[3])
    if not (abs(latitude) <= POLE and abs(longitude) <= HALF):
        raise ValueError(example)
    if (found[4] or "km").lower() == "m":
        radius /= 1000
    return tuple(_strips(latitude, longitude, min(radius, _LONGEST_KM)))


def _strips(latitude: float, longitude: float, radius: float) -> Sequence[Strip]:
    """Cover a circle on the sphere by strips from west to east, each as long as its longest parallel within it."""
    angle = radius / EARTH_KM
    reach = math.degrees(angle)
    edges = [latitude - reach + 2 * reach * step / _STRIPS for step in range(_STRIPS + 1)]
    found: list[Strip] = []
    within = [max(-POLE, min(POLE, edge)) for edge in edges]
    for south, north in pairwise(within):
        if south < north:
            half = max(_half_width(latitude, angle, parallel) for parallel in _parallels(south, north, latitude, angle))
            found += _around(south, north, longitude - half, longitude + half)
    return found


def _parallels(south: float, north: float, latitude: float, angle: float) -> Sequence[float]:
    """Give where in a strip a circle may be widest: at an edge, or where it touches its meridians."""
    sine = math.sin(math.radians(latitude)) / max(math.cos(angle), _AT_A_POLE)
    widest = math.degrees(math.asin(sine)) if abs(sine) <= 1 else math.copysign(POLE, latitude)
    return [south, north, min(max(widest, south), north)]


def _half_width(latitude: float, angle: float, parallel: float) -> float:
    """Give how many degrees of longitude a circle reaches on a parallel."""
    here, there = math.radians(latitude), math.radians(parallel)
    below = math.cos(here) * math.cos(there)
    if below < _AT_A_POLE:
        return HALF
    cosine = (math.cos(angle) - math.sin(here) * math.sin(there)) / below
    return HALF if cosine <= -1 else 0.0 if cosine >= 1 else math.degrees(math.acos(cosine))


def _around(south: float, north: float, west: float, east: float) -> Sequence[Strip]:
    """Cut at the meridian where 180° east becomes 180° west."""
    if east - west >= 2 * HALF:
        return [Strip(south, north, -HALF, HALF)]
    if west < -HALF:
        return [Strip(south, north, west + 2 * HALF, HALF), Strip(south, north, -HALF, east)]
    if east > HALF:
        return [Strip(south, north, west, HALF), Strip(south, north, -HALF, east - 2 * HALF)]
    return [Strip(south, north, west, east)]
