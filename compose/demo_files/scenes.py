"""Pictures that look like photographs, painted from noise and gradients: sky, sun, mountain ridges, water, grain."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from PIL import Image, ImageChops, ImageDraw

Colour = tuple[int, int, int]

_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((58, 110, 190), (190, 215, 240)),
    ((40, 50, 110), (250, 150, 90)),
    ((120, 130, 140), (205, 208, 210)),
    ((15, 20, 50), (70, 80, 130)),
    ((90, 150, 200), (250, 230, 190)),
)
_GROUNDS: tuple[Colour, ...] = ((46, 74, 40), (96, 84, 60), (60, 66, 88), (120, 100, 70), (200, 205, 215))


def paint_scene(random: Random, size: tuple[int, int]) -> Image.Image:
    """Paint a landscape. The same state of `random` gives the same picture.

    It is painted at half the size and enlarged, which is four times as fast and softens the edges.
    """
    half = (size[0] // 2, size[1] // 2)
    top, bottom = random.choice(_SKIES)
    picture = ImageChops.screen(_gradient(half, top, bottom), _clouds(random, half))
    _paint_sun(random, picture)
    ground = random.choice(_GROUNDS)
    for depth in range(random.randint(2, 4)):
        _paint_ridge(random, picture, _shaded(ground, 1.5 - depth * 0.35), 0.45 + depth * 0.14)
    return _with_grain(random, picture.resize(size, Image.Resampling.BILINEAR))


def _gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    mask = Image.linear_gradient("L").resize(size, Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), mask)


def _noise(random: Random, size: tuple[int, int], cells: int) -> Image.Image:
    """Random grey in `cells` squares across, blended smoothly to the whole size."""
    return Image.frombytes("L", (cells, cells), random.randbytes(cells * cells)).resize(size, Image.Resampling.BICUBIC)


def _clouds(random: Random, size: tuple[int, int]) -> Image.Image:
    small = (size[0] // 4, size[1] // 4)
    layers = Image.blend(_noise(random, small, 5), _noise(random, small, 21), 0.35)
    return layers.point(lambda value: max(0, value - 120)).resize(size, Image.Resampling.BILINEAR).convert("RGB")


def _paint_sun(random: Random, picture: Image.Image) -> None:
    width, height = picture.size
    radius = random.randint(height // 24, height // 10)
    x, y = random.randint(0, width), random.randint(height // 10, height // 2)
    glow = Image.radial_gradient("L").resize((radius * 6, radius * 6)).point(lambda value: max(0, 200 - value * 2))
    picture.paste((255, 244, 214), (x - radius * 3, y - radius * 3), glow)


def _paint_ridge(random: Random, picture: Image.Image, colour: Colour, level: float) -> None:
    """Fill everything below a jagged line, made by halving: each midpoint is moved by less than the one before."""
    width, height = picture.size
    heights = [random.random(), random.random()]
    rough = 0.5
    for _ in range(6):
        middles = [(a + b) / 2 + random.uniform(-rough, rough) for a, b in pairwise(heights)]
        heights = [value for pair in zip(heights, middles, strict=False) for value in pair] + [heights[-1]]
        rough *= 0.55
    step = width / (len(heights) - 1)
    line = [(index * step, height * (level + value * 0.12)) for index, value in enumerate(heights)]
    ImageDraw.Draw(picture).polygon([*line, (width, height), (0, height)], fill=colour)


def _shaded(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, max(0, round(part * factor))) for part in colour)
    return red, green, blue


def _with_grain(random: Random, picture: Image.Image) -> Image.Image:
    """Add the fine noise of a sensor."""
    width, height = picture.size
    strip = Image.frombytes("L", (width, 64), random.randbytes(width * 64)).point(lambda value: value // 24)
    grain = Image.new("L", picture.size)
    for top in range(0, height, 64):
        grain.paste(strip, (-(top * 7) % width - width, top))
        grain.paste(strip, (-(top * 7) % width, top))
    return ImageChops.add(picture, Image.merge("RGB", (grain, grain, grain)), offset=-5)
