"""LOOM_HOME: the folder of the embedded set-up. Who keeps what where, and nothing else.

```
<home>/secret-*         generated secrets, readable by the owner only
<home>/blobs/          the blob store        <home>/index/    text index generations
<home>/metrics/        counts of requests
<engines>/postgres     PGDATA                <engines>/redis  append-only file        <run>/ unix sockets
```

`<engines>` is `<home>/engines`, but for root: PostgreSQL refuses to run as root, so it runs as an unprivileged
user, which may not pass through root's private folders. There `<engines>` is `/var/lib/loom/<id>`, with the id
kept in `<home>/engines-id`.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

# The kernel allows 107 bytes for the path of a unix socket, macOS 103; the longest name in the folder takes 20. Other
# characters have a meaning in the URL, or in the comma-separated lists of PostgreSQL.
_USABLE_RUN_DIR = re.compile(r"[A-Za-z0-9/._-]{1,80}")
SYSTEM_ENGINES = Path("/var/lib/loom")


@dataclass(frozen=True)
class Home:
    """The folder that holds all that an embedded Loom keeps."""

    path: Path

    @property
    def blobs(self) -> Path:
        """Where the blob store lies when no LOOM_STORAGE_URL is set."""
        return self.path / "blobs"

    @property
    def index(self) -> Path:
        """Where the text index lies; it can be rebuilt at any time."""
        return self.path / "index"

    def make_metrics(self, port: int) -> Path:
        """Make the folder in which the web tier of a host and port counts its requests: empty, for it begins anew."""
        folder = self.path / "metrics" / f"{socket.gethostname()}-{port}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        return folder

    @property
    def engines(self) -> Path:
        """Where the embedded engines keep their data."""
        if os.geteuid() != 0:
            return self.path / "engines"
        return SYSTEM_ENGINES / self._once("engines-id", lambda: uuid4().hex)

    @property
    def run(self) -> Path:
        """Where the unix sockets are: short enough for the kernel, the same for every process of this home."""
        run = self.engines / "run"
        if _USABLE_RUN_DIR.fullmatch(str(run)):
            return run
        digest = sha256(os.fsencode(self.path)).hexdigest()[:12]
        # Not $TMPDIR, which differs between sessions and may itself be long. Who makes it checks whose it is.
        return Path("/tmp") / f"loom-{os.geteuid()}-{digest}"  # noqa: S108

    @property
    def database_url(self) -> str:
        """The embedded PostgreSQL."""
        return f"postgresql://loom@/loom?host={self.run}&port=5432"

    @property
    def redis_url(self) -> str:
        """The embedded Redis."""
        return f"unix://{self.run}/redis.sock"

    def secret(self, name: str) -> str:
        """Give the named secret of this home, generated when it is first asked for."""
        return self._once(f"secret-{name}", lambda: secrets.token_urlsafe(48))

    def _once(self, name: str, make: Callable[[], str]) -> str:
        """Read a small file, written exactly once however many processes start at the same time."""
        file = self.path / name
        if not file.exists():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self.path / f".{name}-{uuid4().hex}"
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY, 0o600), "w") as stream:
                stream.write(make())
                stream.flush()
                os.fsync(stream.fileno())
            try:
                os.link(draft, file)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return file.read_text().strip()
