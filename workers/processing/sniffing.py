"""The MIME type of a file by what its first bytes say. The name only refines what the bytes leave open.

Three looks, the cheapest first, as the scan asks about every file: text, the containers that say inside what they
hold (`containers.py`), and the flat signatures of the `filetype` library.
"""

from __future__ import annotations

import codecs
import re

import filetype

from workers.processing.containers import look_inside
from workers.processing.mime_names import ALIASES, REFINED_BY_EXTENSION, TEXT_BY_EXTENSION

HEAD_BYTES = 8192
"""How much of a file's beginning is looked at; more is ignored, less is fine."""
EMPTY = "application/x-empty"
UNKNOWN = "application/octet-stream"

_LONGEST_EXTENSION = 12
_CONTROL = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\n\v\f\r\x1b")
"""Bytes that no UTF-8 text has; tab, line ends, form feed and the escape of terminal colours are not among them."""
_HIGH = bytes(range(128, 256))
_LEAST_ASCII = 0.85
"""Of a text in an old 8-bit encoding at least this much is ASCII; of random bytes without controls hardly any."""
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Possessive throughout: a file of nothing but comments must not make it try all ways to divide them.
_MARKUP = re.compile(
    r"\s*+(?:<\?xml[^>]*+>\s*+)?+(?:(?><!--.*?-->)\s*+)*+<(?:!doctype\s++)?+(html|svg)\b", re.IGNORECASE | re.DOTALL
)
_TEXT_SIGNATURES = {
    "%PDF-": "application/pdf",
    "%!PS": "application/postscript",
    "{\\rtf": "application/rtf",
    "BEGIN:VCARD": "text/vcard",
    "BEGIN:VCALENDAR": "text/calendar",
    "WEBVTT": "text/vtt",
}
_MARKUP_TYPES = {"html": "text/html", "svg": "image/svg+xml"}
# Trying all of filetype's signatures on bytes that have none takes 100 µs. What does not begin like this, or has one
# of the two that lie further back, has none.
_SIGNED = re.compile(
    rb"\xff[\xd8\xf1\xf2\xf3\xf9\xfb]|\x89[PL]|GIF|II[*\xbc]|MM\x00\*|M[ZTS]|ISc|BM|BZh|8BPS|AC10|gimp|ID3|fLaC|#!AMR"
    rb"|wOF|OTTO|\x00\x01\x00\x00|\x00\x00\x01|\x00\x00\x00\x0cjP|\x00asm|0&\xb2|FLV|[CF]WS|PK|Rar!|7z|\x1f[\x8b\xa0\x9d]"
    rb"|%[P!]|\xef\xbb\xbf%PDF|\{\\rtf|NES|Cr24|\xfd7z|SQLi|!<arch|LZIP|\x7fELF|\x04\"M|\xce\xb2|\xed\xab"
    rb"|[\x22-\x28]\xb5/\xfd|[P-_]\*M\x18|.{128}DICM|.{257}ustar",
    re.DOTALL,
)
_MORE_SIGNATURES = {
    b"\xff\xfa": "audio/mpeg",
    b"\xff\xe2": "audio/mpeg",
    b"\xff\xe3": "audio/mpeg",
    b"\xff\x0a": "image/jxl",
    b"\x00\x00\x00\x0cJXL ": "image/jxl",
    b"AT&TFORM": "image/vnd.djvu",
    b"ttcf": "font/collection",
    b"glTF": "model/gltf-binary",
}
"""What `filetype` does not know."""
_MORE_BEGINNINGS = tuple(_MORE_SIGNATURES)


def sniff_mime(head: bytes, filename: str) -> str:
    """Name the type of a file that begins with `head`; always in the `type/subtype` form, in lower case."""
    if not head:
        return EMPTY
    head = head[:HEAD_BYTES]
    extension = _extension(filename)
    text = _as_text(head)
    if text is not None:
        return _text_type(text, extension)
    found = look_inside(head, extension) or _by_signature(head) or UNKNOWN
    return REFINED_BY_EXTENSION.get((found, extension), found)


def _extension(filename: str) -> str:
    stem, dot, extension = filename.rpartition(".")
    return extension.lower() if dot and stem and len(extension) <= _LONGEST_EXTENSION else ""


def _as_text(head: bytes) -> str | None:
    """Decode UTF-8, marked UTF-16 or a text in an 8-bit encoding; None when the bytes are not text.

    The last character may be cut off.
    """
    is_wide = head.startswith(_UTF16_MARKS)
    if not is_wide and _has_controls(head):
        return None
    decoder = codecs.getincrementaldecoder("utf-16" if is_wide else "utf-8")()
    try:
        text = decoder.decode(head, len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        is_legacy = not is_wide and len(head.translate(None, _HIGH)) >= _LEAST_ASCII * len(head)
        return head.decode("latin-1") if is_legacy else None
    if is_wide and _has_controls(text.encode()):
        return None
    return text.removeprefix("\ufeff")


def _has_controls(data: bytes) -> bool:
    start = data[:64]
    return start.translate(None, _CONTROL) != start or data.translate(None, _CONTROL) != data


def _text_type(text: str, extension: str) -> str:
    for signature, mime_type in _TEXT_SIGNATURES.items():
        if text.startswith(signature):
            return mime_type
    markup = _MARKUP.match(text)
    if markup:
        return "application/xhtml+xml" if extension == "xhtml" else _MARKUP_TYPES[markup[1].lower()]
    if text.startswith("<?xml"):
        found = TEXT_BY_EXTENSION.get(extension, "application/xml")
        return found if found.endswith("xml") else "application/xml"
    return TEXT_BY_EXTENSION.get(extension, "text/plain")


def _by_signature(head: bytes) -> str | None:
    if _SIGNED.match(head):
        found = filetype.guess_mime(head)
        if found:
            return ALIASES.get(found, str(found))
    if not head.startswith(_MORE_BEGINNINGS):
        return None
    return next(mime_type for signature, mime_type in _MORE_SIGNATURES.items() if head.startswith(signature))
