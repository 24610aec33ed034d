"""The folder that `loom demo` ingests: a few hundred varied files, the same on every machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compose.demo_files.plan import DemoFile

__all__ = ["Survey", "ensure_demo_files", "survey"]

_LINK = "odd content/link to nowhere.jpg"


@dataclass(frozen=True)
class Survey:
    """What lies in a folder, counted without Loom: regular files, distinct contents, bytes."""

    files: int
    contents: int
    bytes: int

    @property
    def duplicates(self) -> int:
        """Files whose bytes another file has too, all but one of each."""
        return self.files - self.contents


def ensure_demo_files(folder: Path) -> None:
    """Write the files, unless it was done before. The folder appears when all of them are there."""
    if folder.exists():
        return
    # The encoders take a while to load, and only the first demo needs them.
    from compose.demo_files.plan import iter_files  # noqa: PLC0415

    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".media-"))
    try:
        for file in iter_files():
            _write(os.fsencode(draft), file)
        (draft / _LINK).symlink_to("gone.jpg")
        draft.rename(folder)
    finally:
        shutil.rmtree(os.fsencode(draft), ignore_errors=True)


def _write(root: bytes, file: DemoFile) -> None:
    """Write one file; names that the file system refuses (macOS wants UTF-8) are left out."""
    path = root + b"/" + file.path
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    try:
        with open(path, "wb") as stream:  # noqa: PTH123
            stream.write(file.data)
    except OSError:
        if file.path.isascii():
            raise
        return
    if file.changed:
        os.utime(path, (file.changed, file.changed))


def survey(folder: Path) -> Survey:
    """Count what is in a folder; links are not followed."""
    digests: set[bytes] = set()
    files = size = 0
    for parent, _, names in os.walk(os.fsencode(folder)):
        for path in (os.path.join(parent, name) for name in names):
            if os.path.islink(path):  # noqa: PTH114
                continue
            with open(path, "rb") as stream:  # noqa: PTH123
                digests.add(hashlib.file_digest(stream, "sha512").digest())
                size += stream.tell()
            files += 1
    return Survey(files, len(digests), size)
