from __future__ import annotations

import hashlib
import random

import pytest

from workers.processing.chunks import ChunkFacts

MIB = 1024**2


def facts(data: bytes, sizes: list[int]) -> ChunkFacts:
    found, at = ChunkFacts(len(data)), 0
    while at < len(data):
        step = sizes[at % len(sizes)]
        found.update(data[at : at + step])
        at += step
    return found


def expected(data: bytes) -> tuple[str, int]:
    prefix = data[: max(5 * MIB, len(data) // 20)]
    blocks = [data[at : at + 4096] for at in range(4 * MIB, len(data) - 4095, 4096)]
    return hashlib.sha256(prefix).hexdigest(), blocks.count(bytes(4096))


@pytest.mark.parametrize("size", [0, 1, 4095, 4 * MIB, 4 * MIB + 4095, 4 * MIB + 4096, 6 * MIB + 1, 9 * MIB])
@pytest.mark.parametrize("sizes", [[MIB], [1000], [4097, 5, 70_000]])
def test_both_facts_however_the_bytes_come(size: int, sizes: list[int]) -> None:
    numbers = random.Random(size)
    data = bytearray(size)
    for at in range(0, size, 10_000):
        if numbers.random() < 0.7:
            data[at : at + 100] = numbers.randbytes(len(data[at : at + 100]))
    found = facts(bytes(data), sizes)
    assert (found.chunk_hash, found.zero_chunks) == expected(bytes(data))
