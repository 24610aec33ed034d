"""Office documents (OOXML and OpenDocument): a ZIP of XML, of which no more is unpacked than a budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from workers.media.troubles import Undecodable, naming

_MOST_UNPACKED = 128 * 1024**2
_MOST_MEMBERS = 10_000
_PROPERTIES = ("docProps/core.xml", "docProps/app.xml", "meta.xml")
_BODIES = ("word/document.xml", "word/footnotes.xml", "ppt/slides/", "xl/sharedStrings.xml", "content.xml")
_NAMES = frozenset({
    "title", "creator", "subject", "description", "keywords", "keyword", "created", "modified", "date", "language",
    "lastModifiedBy", "category", "Application", "Company", "Pages", "Slides", "initial-creator", "creation-date",
    "generator",
})  # fmt: skip
_BREAKS = frozenset({"p", "h", "si", "tr", "br", "tab"})
_LONGEST_VALUE = 4096
OFFICE = (
    "application/vnd.openxmlformats-officedocument.*", "application/vnd.oasis.opendocument.*",
    "application/vnd.ms-*.macroenabled.12",
)  # fmt: skip
"""Patterns of the types that are read here."""


class _Budget:
    """Reads a member of a ZIP, as long as the whole document stays within bounds."""

    def __init__(self) -> None:
        self._left = _MOST_UNPACKED

    def read(self, member: Any) -> Any:
        """Wrap a member."""
        return _Metered(member, self)

    def spend(self, size: int) -> None:
        """Count what was unpacked."""
        self._left -= size
        if self._left < 0:
            raise Undecodable(f"It unpacks to more than {_MOST_UNPACKED // 1024**2} MiB")


class _Metered:
    def __init__(self, member: Any, budget: _Budget) -> None:
        self._member, self._budget = member, budget

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._member.read(min(size, 65_536) if size >= 0 else 65_536)
        self._budget.spend(len(data))
        return data


def describe(stream: BinaryIO) -> dict[str, Any]:
    """Give the properties."""
    tags: dict[str, str] = {}
    for name, value in _values(stream, _PROPERTIES):
        if name in _NAMES and value.strip():
            tags.setdefault(name, value.strip()[:_LONGEST_VALUE])
    return {"format": "Office", "tags": tags}


def text(stream: BinaryIO, most: int) -> str:
    """Give the words of the document, up to so many characters."""
    found: list[str] = []
    left = most
    for name, value in _values(stream, _BODIES):
        piece = value[:left] + ("\n" if name in _BREAKS else "")
        found.append(piece)
        left -= len(piece)
        if left <= 0:
            break
    return "".join(found)


def _values(stream: BinaryIO, wanted: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the elements of some members that have ended, by their local name, with the text in them."""
    with naming("It cannot be read as an office document"):
        try:
            stream.seek(0)
            with ZipFile(stream) as archive:
                if len(archive.infolist()) > _MOST_MEMBERS:
                    raise Undecodable("It has too many members")
                budget = _Budget()
                for name in sorted(archive.namelist()):
                    if name.endswith(".xml") and name.startswith(wanted):
                        with archive.open(name) as member:
                            yield from _elements(budget.read(member))
        except (BadZipFile, ParseError, DefusedXmlException, NotImplementedError) as error:
            raise Undecodable(f"It cannot be read as an office document: {error}"[:300]) from None


def _elements(member: Any) -> Iterator[tuple[str, str]]:
    for _, element in iterparse(member, events=("end",), forbid_dtd=True):
        local = element.tag.rpartition("}")[2]
        yield local, (element.text or "") + (element.tail or "" if local in {"span", "s", "tab"} else "")
        element.clear()
