"""How values look to a person: cleaned names, sizes, times, counts. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Control characters start escape sequences; bidirectional marks reorder a line; neither may come from a file name.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")
_UNITS = ("kB", "MB", "GB", "TB", "PB")
_THOUSAND = 1000
_MINUTE = 60
_HOUR = 3600
_DAY = 86400
_LAST_BYTE = 0xFF
# In the order in which they tell a story.
_COUNTERS = (
    "new",
    "changed",
    "moved",
    "returned",
    "touched",
    "unchanged",
    "ignored",
    "suspected",
    "missing",
    "duplicates",
)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= _LAST_BYTE else f"\\u{code:04x}"


def clean(value: object) -> str:
    """Make text from elsewhere safe for a terminal: one line, nothing that a terminal would obey."""
    return _UNSAFE.sub(_escape, str(value))


def count_text(number: float) -> str:
    """Spell a count with thousands separated."""
    return f"{number:,.0f}"


def size_text(size_bytes: float) -> str:
    """Spell a size in decimal units: `999 B`, `1.2 MB`."""
    if size_bytes < _THOUSAND:
        return f"{size_bytes:.0f} B"
    value = float(size_bytes)
    for unit in _UNITS:
        value /= _THOUSAND
        if value < _THOUSAND or unit == _UNITS[-1]:
            break
    return f"{value:.1f} {unit}"


def duration_text(seconds: float) -> str:
    """Spell a time span in its two largest units."""
    if seconds < 10:  # noqa: PLR2004  # below ten seconds a tenth matters
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def words_of(key: str) -> str:
    """Turn a JSON key into words: `bytesTotal` becomes `bytes total`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f" {match[1].lower()}", clean(key))


def counters_text(result: Mapping[str, Any]) -> str:
    """Spell every number of a task's result, known to this version or not: `unchanged 12, bytes hashed 1.2 MB`."""
    numbers = {key: value for key, value in result.items() if type(value) in {int, float}}
    ordered = [*(key for key in _COUNTERS if key in numbers), *(key for key in numbers if key not in _COUNTERS)]
    return ", ".join(f"{words_of(key)} {_number_text(key, numbers[key])}" for key in ordered)


def _number_text(key: str, value: float) -> str:
    return size_text(value) if key == "size" or "bytes" in key.lower() else count_text(value)


def progress_text(progress: Mapping[str, Any]) -> str:
    """Spell a task's progress on one line."""
    done = sum(progress.get(key, 0) for key in ("done", "failed", "skipped"))
    total = progress.get("total")
    parts = [f"{count_text(done)} of {count_text(total)}" if total else count_text(done)]
    if progress.get("percent") is not None:
        parts.append(f"{progress['percent']:.0f} %")
    if progress.get("failed"):
        parts.append(f"{count_text(progress['failed'])} failed")
    if progress.get("bytesDone"):
        parts.append(size_text(progress["bytesDone"]))
    return ", ".join(parts + pace_texts(progress))


def pace_texts(progress: Mapping[str, Any]) -> list[str]:
    """Spell rate and time left, as far as the server knows them."""
    parts = []
    if progress.get("perSecond"):
        parts.append(f"{progress['perSecond']:,.0f}/s")
    if progress.get("etaSeconds") is not None:
        parts.append(f"{duration_text(progress['etaSeconds'])} left")
    return parts
