"""Moments as the API spells them: ISO-8601, UTC, whole seconds, `Z`."""

from __future__ import annotations

from datetime import UTC, datetime

from models.ids import printable


def format_instant(moment: datetime) -> str:
    """Spell a moment; it must be in UTC, as the database gives it."""
    return moment.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def parse_instant(text: str) -> datetime:
    """Read a moment; fractions and other offsets are understood, without an offset it is UTC.

    Raises:
        ValueError: when it is none.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"'{printable(text)}' is not a moment such as 2018-10-12T14:15:06Z") from None
