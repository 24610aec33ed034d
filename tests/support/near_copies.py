"""Pictures and films, and copies of them such as people make: smaller, compressed anew, cropped, tinted, cut."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import av
from PIL import Image, ImageDraw, ImageEnhance

from compose.demo_files.scenes import paint_scene

_SIZES = ((840, 560), (560, 840), (960, 640), (640, 640), (720, 480))
_FRAME, _RATE = (320, 180), 12
Film = Sequence[Image.Image]


def make_picture(number: int) -> Image.Image:
    """A landscape or a collage; the same for the same number."""
    chance = Random(number)
    size = chance.choice(_SIZES)
    return paint_scene(chance, size) if number % 2 else _collage(chance, size)


def _collage(chance: Random, size: tuple[int, int]) -> Image.Image:
    width, height = size
    noise = [_noise(chance, chance.choice([3, 5, 9])).resize(size, Image.Resampling.BICUBIC) for _ in range(3)]
    image = Image.merge("RGB", noise)
    draw = ImageDraw.Draw(image)
    for _ in range(chance.randint(3, 14)):
        x, y = chance.randint(0, width), chance.randint(0, height)
        across, down = chance.randint(width // 20, width // 3), chance.randint(height // 20, height // 3)
        shape = chance.choice([draw.ellipse, draw.rectangle])
        shape((x - across, y - down, x + across, y + down), fill=tuple(chance.randbytes(3)))
    return image


def _noise(chance: Random, cells: int) -> Image.Image:
    return Image.frombytes("L", (cells, cells), chance.randbytes(cells * cells))


def _scaled(factor: float) -> Callable[[Image.Image, int], Image.Image]:
    return lambda image, _: image.resize((round(image.width * factor), round(image.height * factor)))


def _compressed(quality: int) -> Callable[[Image.Image, int], Image.Image]:
    def compress(image: Image.Image, _: int) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return compress


def _cropped(share: float) -> Callable[[Image.Image, int], Image.Image]:
    """Take so much of the width and of the height away: at one edge, or half at each."""

    def crop(image: Image.Image, number: int) -> Image.Image:
        chance = Random(number)
        left, top = (chance.choice([0, share / 2, share]) for _ in range(2))
        width, height = image.size
        return image.crop((
            round(width * left), round(height * top), round(width * (1 - share + left)),
            round(height * (1 - share + top)),
        ))  # fmt: skip

    return crop


def _marked(image: Image.Image, _: int) -> Image.Image:
    width, height = image.size
    label = Image.new("RGBA", (width // 4, height // 10), (255, 255, 255, 140))
    ImageDraw.Draw(label).text((5, 5), "(c) Loom", fill=(0, 0, 0, 200))
    marked = image.copy()
    marked.paste(label, (width - width // 4 - width // 40, height - height // 10 - height // 40), label)
    return marked


def _tinted(image: Image.Image, _: int) -> Image.Image:
    red, green, blue = image.split()
    warm = Image.merge("RGB", (red.point(lambda v: min(255, v * 1.12)), green, blue.point(lambda v: v * 0.88)))
    return ImageEnhance.Brightness(ImageEnhance.Contrast(warm).enhance(1.15)).enhance(1.08)


PICTURE_COPIES: Mapping[str, Callable[[Image.Image, int], Image.Image]] = {
    "half the size": _scaled(0.5), "a quarter of the size": _scaled(0.25), "JPEG of quality 40": _compressed(40),
    "JPEG of quality 15": _compressed(15), "cropped by 2 %": _cropped(0.02), "cropped by 5 %": _cropped(0.05),
    "watermarked": _marked, "other colours": _tinted,
}  # fmt: skip


def make_film(number: int) -> Film:
    """One to four scenes of two to five seconds, each still or panned over."""
    chance, frames = Random(number), []
    for _ in range(chance.choice([1, 1, 2, 3, 4])):
        length = chance.randint(2, 5) * _RATE
        big = (_FRAME[0] * 2, _FRAME[1] * 2)
        scene = paint_scene(chance, big) if chance.random() < 0.5 else _collage(chance, big)
        right, down = chance.choice([(1, 0), (0, 1), (1, 1), (0, 0)])
        for index in range(length):
            left, top = round(right * index / length * _FRAME[0]), round(down * index / length * _FRAME[1])
            frames.append(scene.crop((left, top, left + _FRAME[0], top + _FRAME[1])))
    return frames


def encoded(
    film: Film, codec: str = "libx264", container: str = "mp4", size: tuple[int, int] = _FRAME, **options: str
) -> bytes:  # fmt: skip
    """Encode a film."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=_RATE)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = options or {"preset": "veryfast"}
        for frame in film:
            picture = av.VideoFrame.from_image(frame.resize(size))  # type: ignore[no-untyped-call]
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return buffer.getvalue()


def _without(start: float, end: float) -> Callable[[Film], bytes]:
    return lambda film: encoded(film[int(len(film) * start) : len(film) - int(len(film) * end)])


FILM_COPIES: Mapping[str, Callable[[Film], bytes]] = {
    "a low bit rate": lambda film: encoded(film, preset="veryfast", crf="35"),
    "half the size": lambda film: encoded(film, size=(160, 90)),
    "MPEG-4 in Matroska": lambda film: encoded(film, "mpeg4", "matroska", b="300000"),
    "without the first 5 %": _without(0.05, 0),
    "without the last 10 %": _without(0, 0.1),
    "without 10 % at both ends": _without(0.1, 0.1),
    "without the first 20 %": _without(0.2, 0),
}
