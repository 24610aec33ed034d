"""Folders of the embedded engines, and the user that owns them."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from compose.children import Account
from models.errors import ConfigurationError
from models.home import Home


def engine_account(home: Home) -> Account | None:
    """The user that the engines run as: None is this one, but PostgreSQL refuses to run as root.

    Whoever owns the data keeps it, even if a user called `postgres` appears later.
    """
    if os.geteuid() != 0:
        return None
    if home.engines.exists() and (owner := home.engines.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ConfigurationError("PostgreSQL refuses to run as root: create a user called `postgres`, or run as another")


def ensure_private_folder(folder: Path, account: Account | None) -> None:
    """Make the folder readable by the account alone.

    Raises:
        ConfigurationError: the folder is somebody else's: the one below /tmp has a name that others can foresee.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = account or Account(os.geteuid(), os.getegid())
    if os.geteuid() == 0:
        os.chown(folder, owner.uid, owner.gid, follow_symlinks=False)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner.uid:
        raise ConfigurationError(f"{folder} belongs to another user; remove it")
    folder.chmod(0o700)


def ensure_engine_folders(home: Home, account: Account | None) -> None:
    """Make the folders that both engines need."""
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        ensure_system_folder(home.engines.parent)
    ensure_private_folder(home.engines, account)
    ensure_private_folder(home.run, account)


def ensure_system_folder(folder: Path) -> None:
    """Make a folder of root that every user may pass through, whatever the umask says."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
