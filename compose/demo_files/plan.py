"""Which files the demo has. Each gets a random source of its own, so that adding one changes no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import NamedTuple

from compose.demo_files.documents import LANGUAGES, make_gif, make_pdf, make_png, make_text, make_webp
from compose.demo_files.motion import make_sound, make_video
from compose.demo_files.photos import PLACES, Photo, make_photo

SEED = "loom demo 1"
PHOTOS_OF_A_PLACE = 28
_SOUNDS = (("mp3", "mp3", "libmp3lame"), ("flac", "flac", "flac"), ("wav", "wav", "pcm_s16le"))
_CAPTIONS = ("harbour", "tram", "old town", "sunset", "market", "coast", "hills", "festival")
_ODD_NAMES = (
    b"  spaces before and  between .txt",
    "Grüße aus Köln, 写真 № 1.txt".encode(),
    "emoji 🦊🌍.txt".encode(),
    b"line\nbreak.txt",
    b"tab\tand bell\x07.txt",
    b"latin-1 caf\xe9.txt",
    b"\xff\xfe no text at all.txt",
    b"back\\slash.txt",
    b"-rf",
    b"[red]no markup[/red].txt",
    b"%41 percent &amp; quote'\".txt",
    b"..hidden twice",
    b"long " + b"x" * 246 + b".txt",
)
_DEPTH = 24


class DemoFile(NamedTuple):
    """A file to be written: its path in the folder, its bytes, and when it was last changed (0: now)."""

    path: bytes
    data: bytes
    changed: float = 0


def _random_for(*name: object) -> Random:
    return Random(f"{SEED}/{'/'.join(map(str, name))}")  # noqa: S311  # pictures, not secrets


def iter_files() -> Iterator[DemoFile]:
    """Make all files, one after the other."""
    for number, place in enumerate(PLACES):
        yield from _photos(number, place)
    yield from _graphics()
    yield from _recordings()
    yield from _documents()
    yield from _oddities()


def _photos(number: int, place: str) -> Iterator[DemoFile]:
    """Give a place's photographs by year; every seventh lies in the backup as well, under another name."""
    for index in range(PHOTOS_OF_A_PLACE):
        random = _random_for("photo", place, index)
        photo = make_photo(random, place)
        serial = number * PHOTOS_OF_A_PLACE + index + 1
        name = f"{place} {random.choice(_CAPTIONS)} IMG_{serial:04}.jpg"
        yield _photo_file(f"photos/{photo.taken:%Y}/{place}/{name}", photo)
        if index % 7 == 0:
            yield _photo_file(f"backup/phone/DCIM/{serial:08}.JPG", photo)


def _photo_file(path: str, photo: Photo) -> DemoFile:
    return DemoFile(path.encode(), photo.data, photo.taken.timestamp())


def _several(pattern: str, count: int, make: Callable[[Random], bytes]) -> Iterator[DemoFile]:
    for number in range(1, count + 1):
        path = pattern.format(number)
        yield DemoFile(path.encode(), make(_random_for(path)))


def _graphics() -> Iterator[DemoFile]:
    yield from _several("graphics/chart {:02}.png", 24, make_png)
    yield from _several("graphics/web/banner-{:02}.webp", 16, make_webp)
    yield from _several("graphics/animated/ball_{:02}.gif", 6, make_gif)


def _recordings() -> Iterator[DemoFile]:
    yield from _several("video/pan over the hills {}.mp4", 2, make_video)
    for suffix, container_format, codec in _SOUNDS:
        make = partial(make_sound, codec=codec, container_format=container_format)
        yield from _several(f"sound/chord {{}}.{suffix}", 2, make)


def _documents() -> Iterator[DemoFile]:
    yield from _several("documents/report {}.pdf", 6, lambda random: make_pdf(random, pages=random.randint(1, 3)))
    for language in LANGUAGES:
        yield from _several(f"documents/notes/{language} {{}}.txt", 3, partial(make_text, language=language))


def _oddities() -> Iterator[DemoFile]:
    """Give what real folders hold too: odd names, depth, an empty file, broken ones, many copies of one."""
    for name in _ODD_NAMES:
        yield DemoFile(b"odd names/" + name, make_text(_random_for(name.hex()), "english"))
    yield DemoFile(b"deep/" + b"down/" * _DEPTH + b"bottom.txt", b"How deep can it go?\n")
    yield DemoFile(b"odd content/empty.txt", b"")
    photo = make_photo(_random_for("broken"), "kyoto").data
    yield DemoFile(b"odd content/cut off.jpg", photo[: len(photo) // 3])
    yield DemoFile(b"odd content/not a picture.jpg", _random_for("noise").randbytes(5000))
    for number in range(5):
        yield DemoFile(f"odd content/copies/copy {number}.txt".encode(), b"Everyone keeps five of these.\n")
