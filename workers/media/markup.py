"""Text that is text: HTML without its tags, and plain files in the encodings that occur."""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from html.parser import HTMLParser
from typing import BinaryIO

_SILENT = frozenset({"script", "style", "head", "template", "noscript"})
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "td"})


def read_plain(stream: BinaryIO, most: int) -> str:
    """Give up to so many characters, by the mark at the beginning, else as UTF-8, else as Latin-1."""
    stream.seek(0)
    data = stream.read(4 * most)
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")[:most]
    if data.startswith(BOM_UTF8):
        return data.decode("utf-8-sig", "replace")[:most]
    try:
        return data.decode("utf-8")[:most]
    except UnicodeDecodeError as error:
        # A character that is cut off where reading ended is no reason to take the whole for Latin-1.
        is_cut = len(data) == 4 * most and error.start >= len(data) - 3
        return data.decode("utf-8" if is_cut else "latin-1", "replace")[:most]


def read_html(stream: BinaryIO, most: int) -> str:
    """Give up to so many characters of what a browser would show."""
    reader = _Words()
    reader.feed(read_plain(stream, 4 * most))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.found).splitlines())
    return "\n".join(line for line in lines if line)[:most]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and self._silent:
            self._silent -= 1
        if tag in _BLOCKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)
