"""PDF, by PDFium: properties, text, and the picture of a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import pypdfium2
from PIL import Image

from workers.media.troubles import Undecodable, naming

_MOST_PAGES = 500
_KEYS = ("Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate")


@contextmanager
def _opened(stream: BinaryIO) -> Iterator[Any]:
    with naming("It cannot be read as PDF"):
        stream.seek(0)
        document = pypdfium2.PdfDocument(stream)
        try:
            yield document
        finally:
            document.close()


def describe(stream: BinaryIO) -> dict[str, Any]:
    """Give the number of pages and the properties."""
    with _opened(stream) as document:
        told = document.get_metadata_dict(skip_empty=True)
        properties = {key: told[key].replace("\0", "") for key in _KEYS if key in told}
        return {"format": "PDF", "pages": len(document), "tags": properties}


def text(stream: BinaryIO, most: int) -> str:
    """Give the text of the pages, up to so many characters."""
    found: list[str] = []
    left = most
    with _opened(stream) as document:
        for number in range(min(len(document), _MOST_PAGES)):
            page = document[number]
            words = page.get_textpage()
            found.append(words.get_text_bounded()[:left])
            words.close()
            page.close()
            left -= len(found[-1])
            if left <= 0:
                break
    return "\n".join(found)


def first_page(stream: BinaryIO, edge: int) -> Image.Image:
    """Draw the first page on white, its longer edge so many pixels."""
    with _opened(stream) as document:
        if not len(document):
            raise Undecodable("It has no pages")
        page = document[0]
        longer = max(*page.get_size(), 1.0)
        image: Image.Image = page.render(scale=edge / longer).to_pil().convert("RGB")
        page.close()
        return image
