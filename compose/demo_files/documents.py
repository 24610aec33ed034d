"""Texts in several languages, PDFs, and pictures in the formats that are no photographs."""

from __future__ import annotations

import time
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw

from compose.demo_files.scenes import paint_scene

# Each says: "The harbour lies still. A tram climbs the hill, and somewhere a radio plays an old song."
_SENTENCES = {
    "english": "The harbour lies still. A tram climbs the hill, and somewhere a radio plays an old song.",
    "deutsch": "Der Hafen liegt still. Eine Straßenbahn fährt den Hügel hinauf, irgendwo spielt ein altes Lied.",
    "français": "Le port est calme. Un tramway gravit la colline, et quelque part une radio joue une vieille chanson.",
    "português": "O porto está calmo. Um elétrico sobe a colina e algures um rádio toca uma canção antiga.",
    "ελληνικά": "Το λιμάνι είναι ήσυχο. Ένα τραμ ανεβαίνει τον λόφο και κάπου παίζει ένα παλιό τραγούδι.",  # noqa: RUF001
    "русский": "Гавань тиха. Трамвай поднимается на холм, и где-то радио играет старую песню.",
    "日本語": "港は静かだ。路面電車が丘を登り、どこかでラジオが古い歌を流している。",
    "العربية": "الميناء هادئ. يصعد الترام التل، وفي مكان ما يعزف الراديو أغنية قديمة.",
    "kiswahili": "Bandari imetulia. Tramu inapanda kilima, na mahali fulani redio inacheza wimbo wa zamani.",
}
LANGUAGES = tuple(_SENTENCES)
_PRINTED = time.gmtime(1_650_000_000)


def make_text(random: Random, language: str) -> bytes:
    """Write a few numbered lines in a language."""
    lines = [f"{number}. {_SENTENCES[language]}" for number in range(1, random.randint(8, 40))]
    return "\n".join([f"# {language} {random.randrange(10**6)}", *lines, ""]).encode()


def make_pdf(random: Random, pages: int) -> bytes:
    """Print pages with a heading, a picture and grey lines for text."""
    stream = BytesIO()
    first, *others = [_page(random, number) for number in range(pages)]
    first.save(stream, "PDF", save_all=True, append_images=others, creationDate=_PRINTED, modDate=_PRINTED)
    return stream.getvalue()


def _page(random: Random, number: int) -> Image.Image:
    page = Image.new("RGB", (496, 702), "white")
    pen = ImageDraw.Draw(page)
    pen.text((40, 40), f"Loom demo report, page {number + 1}", fill="black", font_size=22)
    page.paste(paint_scene(random, (416, 220)), (40, 90))
    for y in range(340, 660, 14):
        pen.line((40, y, random.randint(300, 456), y), fill="grey", width=3)
    return page


def make_png(random: Random) -> bytes:
    """Draw a chart with a transparent ground."""
    picture = Image.new("RGBA", (480, 320), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    for index in range(12):
        colour = (*random.randbytes(3), 255)
        pen.rectangle((20 + index * 38, random.randint(20, 280), 48 + index * 38, 300), fill=colour)
    return _encoded(picture, "PNG")


def make_webp(random: Random) -> bytes:
    """Paint a small landscape."""
    return _encoded(paint_scene(random, (600, 400)), "WEBP", quality=80)


def make_gif(random: Random) -> bytes:
    """Let a ball cross the picture."""
    colour = tuple(random.randbytes(3))
    frames = []
    for step in range(12):
        frame = Image.new("RGB", (160, 90), "white")
        ImageDraw.Draw(frame).ellipse((step * 11, 30, step * 11 + 30, 60), fill=colour)
        frames.append(frame)
    return _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)


def _encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()
