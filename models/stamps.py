"""Stamps: the path of a file with what tells its version behind it, in one value.

A walk and the catalogue spell them alike, so that a list of files nothing has happened to is compared at once.
"""

from __future__ import annotations

from struct import Struct

_SIGNED = Struct(">5q")
_WIDTH = _SIGNED.size + 1
pack_found = Struct(">2Q3qB").pack
"""Spell device, inode (both unsigned), size, mtime and ctime in nanoseconds, and flags, as PostgreSQL sends them."""

MISSING, UNSEEN = 1, 2
"""Flags: the location is MISSING; the scan before, or those before that, did not find it. Who walks sets none."""


def path_of(stamp: bytes) -> bytes:
    """Give the path."""
    return stamp[:-_WIDTH]


def packed_version_of(stamp: bytes) -> bytes:
    """Give the version, to be compared with another one's, or read by `unpack_version`."""
    return stamp[-_WIDTH:-1]


def flags_of(stamp: bytes) -> int:
    """Give the flags."""
    return stamp[-1]


def unpack_version(version: bytes) -> tuple[int, int, int, int, int]:
    """Read device, inode, size, mtime and ctime, all signed, as columns hold them."""
    device, inode, size, mtime_ns, ctime_ns = _SIGNED.unpack(version)
    return device, inode, size, mtime_ns, ctime_ns
