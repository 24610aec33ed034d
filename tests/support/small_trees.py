"""A small folder that is changed in every way that people change folders, and what a scan of it should find."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

Hash = str


@dataclass
class SmallTree:
    """Changes of what lies below a root. What cannot be done, since something is in the way or gone, is not done.

    Contents hold `salt`, so that those of two trees differ.
    """

    root: Path
    salt: str

    @property
    def _aside(self) -> Path:
        return self.root.with_name(f"{self.root.name}-aside")

    @property
    def is_mounted(self) -> bool:
        """Whether the root is in its place."""
        return not self._aside.exists()

    def write(self, path: str, content: int) -> None:
        """Make a file, or put another content into it."""
        place = self.root / path
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(f"{self.salt} {content} ".encode() * (content + 1))

    def tamper(self, path: str) -> None:
        """Change a byte, and neither the size nor the time of the last change that the owner can set."""
        with suppress(OSError):
            place = self.root / path
            times = place.stat()
            with place.open("r+b") as stream:
                first = stream.read(1)
                stream.seek(0)
                stream.write(bytes([(first[0] + 1) % 256]))
            os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))

    def move(self, old: str, new: str, target: SmallTree | None = None) -> None:
        """Rename a file or a folder, perhaps into another tree."""
        with suppress(OSError):
            place = (target or self).root / new
            place.parent.mkdir(parents=True, exist_ok=True)
            (self.root / old).rename(place)

    def swap(self, first: str, second: str) -> None:
        """Let two files or folders change places."""
        between = self.root.with_name("between")
        if self._is_apart(first, second):
            (self.root / first).rename(between)
            (self.root / second).rename(self.root / first)
            between.rename(self.root / second)

    def _is_apart(self, first: str, second: str) -> bool:
        places = (self.root / first, self.root / second)
        return all(os.path.lexists(place) for place in places) and not (
            places[0].is_relative_to(places[1]) or places[1].is_relative_to(places[0])
        )

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        place = self.root / path
        with suppress(OSError):
            shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()

    def copy(self, old: str, new: str) -> None:
        """Copy a file or a folder, with its times."""
        source, place = self.root / old, self.root / new
        if source.is_symlink() or place.is_relative_to(source):
            return
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, place, symlinks=True) if source.is_dir() else shutil.copy2(source, place)

    def link(self, old: str, new: str) -> None:
        """Give a file a second name."""
        with suppress(OSError):
            (self.root / new).parent.mkdir(parents=True, exist_ok=True)
            os.link(self.root / old, self.root / new)

    def point(self, old: str, new: str) -> None:
        """Make a symbolic link, which no scan follows."""
        with suppress(OSError):
            (self.root / new).parent.mkdir(parents=True, exist_ok=True)
            (self.root / new).symlink_to(self.root / old)

    def touch(self, path: str) -> None:
        """Say that a file has changed now, which it has not."""
        with suppress(OSError):
            os.utime(self.root / path)

    def chmod(self, path: str) -> None:
        """Change who may write to a file."""
        with suppress(OSError):
            place = self.root / path
            place.chmod(stat.S_IMODE(place.stat().st_mode) ^ stat.S_IWGRP)

    def unmount(self, leaves: str) -> None:
        """Take the root away; what is left is `nothing`, an `empty` folder, a `file` or a `link` to the root."""
        self.root.rename(self._aside)
        if leaves == "empty":
            self.root.mkdir()
        elif leaves == "file":
            self.root.touch()
        elif leaves == "link":
            self.root.symlink_to(self._aside)

    def mount(self) -> None:
        """Put the root back."""
        if self.root.is_dir() and not self.root.is_symlink():
            self.root.rmdir()
        else:
            self.root.unlink(missing_ok=True)
        self._aside.rename(self.root)

    def files(self) -> dict[bytes, Hash]:
        """Give the SHA-512 of each regular file by its path below the root."""
        return {
            os.fsencode(place.relative_to(self.root)): hashlib.sha512(place.read_bytes()).hexdigest()
            for place in self._walk()
        }

    def _walk(self) -> Iterator[Path]:
        for folder, _, names in os.walk(self.root):
            for name in names:
                place = Path(folder, name)
                if stat.S_ISREG(place.lstat().st_mode):
                    yield place
