"""What parent and child say to each other: frames of JSON with blobs behind them, over a pair of Unix sockets.

A frame is two lengths (of the JSON, and of all blobs), the JSON, and the blobs. What comes from the child is not to be
trusted: it has read files of anybody's making.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Any

import orjson

_HEAD = struct.Struct("!II")
_MOST_JSON, MOST_BLOBS = 4 * 1024**2, 64 * 1024**2


class Gone(Exception):
    """The other side is gone, or says what nobody can understand."""


class Died(Gone):
    """The other side has ended by itself, or somebody has killed it: perhaps not because of what it was told."""


def send(
    link: socket.socket, message: dict[str, Any], blobs: Sequence[bytes] = (), descriptors: Sequence[int] = ()
) -> None:
    """Send a frame; descriptors of open files go with its first byte.

    Raises:
        Gone: when nobody is there any more.
    """
    body = orjson.dumps({**message, "blobs": [len(blob) for blob in blobs]})
    head = _HEAD.pack(len(body), sum(map(len, blobs)))
    try:
        sent = socket.send_fds(link, [head], list(descriptors)) if descriptors else link.send(head)
        link.sendall(head[sent:] + body + b"".join(blobs))
    except OSError as error:
        raise Gone(str(error)) from None


def receive(link: socket.socket, descriptors: int = 0) -> tuple[dict[str, Any], list[bytes], list[int]]:
    """Take the next frame, and up to so many descriptors.

    Raises:
        Gone: when nobody is there any more, or the frame is none.
        TimeoutError: when the link has a timeout and it is over.
    """
    try:
        data, found, *_ = socket.recv_fds(link, _HEAD.size, descriptors) if descriptors else (link.recv(_HEAD.size), [])
        size, rest = _HEAD.unpack(data + _read(link, _HEAD.size - len(data)))
        if size > _MOST_JSON or rest > MOST_BLOBS:
            raise Gone("a frame is too large")
        message = orjson.loads(_read(link, size))
        blobs = [_read(link, length) for length in message.pop("blobs")]
    except TimeoutError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Gone(str(error)) from None
    return message, blobs, list(found)


def _read(link: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        data = link.recv(min(size - len(found), 1024**2))
        if not data:
            raise Gone("the other side is gone")
        found += data
    return bytes(found)
