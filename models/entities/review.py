"""What people think of what machines propose."""

from enum import StrEnum


class Review(StrEnum):
    """Whether a proposal was looked at, and what was said."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
