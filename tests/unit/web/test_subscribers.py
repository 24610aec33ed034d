"""The queue before one listener, and the frames in it."""

from __future__ import annotations

from uuid import UUID

import pytest
from wsproto.frame_protocol import FrameProtocol

from models.permissions import ALL_GRANTS, Actor
from web.subscribers import MOST_WAITING, Subscriber, encode_text

ACTOR = Actor(UUID(int=1), UUID(int=2), "somebody", ALL_GRANTS)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_frames_are_read_back(size: int) -> None:
    text = "ä" * (size // 2) + "a" * (size % 2)
    protocol = FrameProtocol(client=True, extensions=[])
    protocol.receive_bytes(encode_text(text.encode()))
    parts = list(protocol.received_frames())
    assert "".join(str(part.payload) for part in parts) == text
    assert parts[-1].message_finished


def test_what_was_put_is_taken_in_order() -> None:
    subscriber = Subscriber(ACTOR)
    subscriber.put(b"a", 1)
    subscriber.put(b"b", 1)
    assert subscriber.take(0) == b"ab"
    assert subscriber.take(0) == b""


def test_a_backlog_is_given_up() -> None:
    subscriber = Subscriber(ACTOR)
    for _ in range(MOST_WAITING):
        subscriber.put(b"x", 1)
    assert not subscriber.is_lost
    subscriber.put(b"x", 1)
    assert subscriber.is_lost
    assert subscriber.take(0) == b""


def test_one_large_batch_is_no_backlog() -> None:
    subscriber = Subscriber(ACTOR)
    subscriber.put(b"x", 5 * MOST_WAITING)
    assert subscriber.take(0) == b"x"
    assert not subscriber.is_lost


def test_the_end_is_told_at_once() -> None:
    subscriber = Subscriber(ACTOR)
    subscriber.end()
    assert subscriber.take(60) == b""
    assert subscriber.is_ended
