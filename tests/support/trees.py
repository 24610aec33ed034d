"""Trees of files for tests and benchmarks, the same for the same seed."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path


def make_tree(root: Path, files: int, smallest: int, largest: int, seed: int = 1) -> dict[str, str]:
    """Fill a folder; gives the SHA-512 of each relative path."""
    generator = random.Random(seed)
    hashes = {}
    for number in range(files):
        folder = root / f"folder-{number // 100:05}"
        if number % 100 == 0:
            folder.mkdir(parents=True)
        content = generator.randbytes(generator.randint(smallest, largest))
        place = folder / f"file-{number:07}.bin"
        place.write_bytes(content)
        hashes[os.fspath(place.relative_to(root))] = hashlib.sha512(content).hexdigest()
    return hashes
