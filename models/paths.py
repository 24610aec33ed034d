r"""File names are bytes; JSON and PostgreSQL text are not. This is the one reversible spelling between them.

Valid UTF-8 without control characters stays as it is, except that a backslash is doubled; every other byte is
written `\xNN`. So each byte sequence has exactly one spelling and each spelling one byte sequence.
"""

from __future__ import annotations

import re

from models.errors import InvalidInput

_ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|\\)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_PLAIN = re.compile(rb"[ !-\[\]-~]*")
UNNAMED = "unnamed"
_LONGEST_NAME = 255


def _escape_bytes(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def encode_path(path: bytes) -> str:
    """Spell a path as text that every engine can hold and that a terminal can show."""
    if _PLAIN.fullmatch(path):
        return path.decode("ascii")
    text = path.replace(b"\\", b"\\\\").decode("utf-8", "surrogateescape")
    text = _CONTROL.sub(lambda match: _escape_bytes(match[0].encode()), text)
    return re.sub("[\udc80-\udcff]", lambda match: _escape_bytes(bytes([ord(match[0]) - 0xDC00])), text)


def decode_path(text: str) -> bytes:
    """Give back the bytes that `encode_path` spelled."""
    if "\\" not in text:
        return text.encode("utf-8")
    parts: list[bytes] = []
    position = 0
    for match in _ESCAPE.finditer(text):
        if match[1] is None:
            raise InvalidInput("A backslash in a path is written \\\\ and a raw byte \\xNN")
        parts.append(text[position : match.start()].encode("utf-8"))
        parts.append(b"\\" if match[1] == "\\" else bytes([int(match[1][1:], 16)]))
        position = match.end()
    parts.append(text[position:].encode("utf-8"))
    return b"".join(parts)


def display_name(path: bytes) -> str:
    """Show the last part of a path to a person; bytes that are not UTF-8 become U+FFFD."""
    name = path.rpartition(b"/")[2].decode("utf-8", "replace")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", name)


def clean_name(name: str) -> str:
    """Make a caller's file name presentable: its last part, no control characters, of bounded length."""
    last = name.replace("\\", "/").encode("utf-8", "replace")
    shown = display_name(last).strip()
    stem, dot, extension = shown.rpartition(".")
    if len(shown) > _LONGEST_NAME and dot and len(extension) < _LONGEST_NAME // 2:
        shown = f"{stem[: _LONGEST_NAME - len(extension) - 1]}.{extension}"
    return shown[:_LONGEST_NAME] or UNNAMED
