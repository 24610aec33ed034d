"""Where the text index lies on disk, and how one generation of it gives way to the next.

```
<index>/CURRENT                             the name of the live generation
<index>/building                            locked (flock) by whoever builds or removes generations
<index>/generations/<name>/segments/        a tantivy directory, written only through `TantivyWriter`
<index>/generations/<name>/position.json    an `IndexState`
```

CURRENT is the one truth about which generation is live, and it changes by a rename. A builder writes a generation of
its own, closes it, then changes CURRENT; the feed looks at CURRENT before each round, closes what it had open, and
goes on with the new generation from that one's own position. So builder and feed need to agree on nothing else, be
they threads or processes, and a builder that dies leaves only a folder that the next one removes.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from models.ids import new_id
from models.search.port import IndexBusy, IndexState

_NAME = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True)
class Generation:
    """One complete index."""

    path: Path

    @property
    def name(self) -> str:
        """How CURRENT calls it."""
        return self.path.name

    @property
    def segments(self) -> Path:
        """The directory that tantivy keeps."""
        return self.path / "segments"

    def read_state(self) -> IndexState | None:
        """Tell what the generation holds; None when that cannot be known."""
        try:
            return IndexState(**json.loads((self.path / "position.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def write_state(self, state: IndexState, *, is_durable: bool = True) -> None:
        """Note what the generation holds."""
        _write(self.path / "position.json", json.dumps(asdict(state)), is_durable=is_durable)


class IndexHome:
    """The folder of the text index."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.current_file = path / "CURRENT"
        self._generations = path / "generations"

    def current(self) -> Generation | None:
        """Give the live generation; None when there is none."""
        try:
            name = self.current_file.read_text("ascii").strip()
        except (OSError, ValueError):
            return None
        return Generation(self._generations / name) if _NAME.fullmatch(name) else None

    @contextmanager
    def building(self) -> Iterator[None]:
        """Be the only one who adds or removes generations; ends with the process at the latest.

        Raises:
            IndexBusy: when somebody else is.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.path / "building", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise IndexBusy("The text index is being rebuilt already") from error
            yield
        finally:
            os.close(handle)

    def create(self) -> Generation:
        """Make room for a new generation, by a builder."""
        generation = Generation(self._generations / str(new_id()))
        generation.segments.mkdir(mode=0o700, parents=True)
        return generation

    def switch(self, generation: Generation) -> None:
        """Make a generation the live one. It must be closed and durable."""
        _sync_folder(generation.path)
        _sync_folder(self._generations)
        _write(self.current_file, generation.name)

    def unpublish(self) -> None:
        """Have no live generation: readers must not open damaged files."""
        self.current_file.unlink(missing_ok=True)

    def remove_others(self) -> None:
        """Remove all generations but the live one, by a builder. Readers that have one open keep its files."""
        current = self.current()
        with suppress(FileNotFoundError):
            for path in self._generations.iterdir():
                if current is None or path.name != current.name:
                    shutil.rmtree(path, ignore_errors=True)


def _write(file: Path, text: str, *, is_durable: bool = True) -> None:
    """Replace a small file; whoever reads it finds the old text or the new one."""
    draft = file.with_name(f".{file.name}-{uuid4().hex}")
    try:
        with draft.open("w", encoding="ascii") as stream:
            stream.write(text)
            stream.flush()
            if is_durable:
                os.fsync(stream.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    if is_durable:
        _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
