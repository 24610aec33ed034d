"""Small JSON files that commands keep for one user: readable by the owner only, replaced in one step."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from models.errors import ConfigurationError


def write_private(file: Path, content: object) -> None:
    """Replace a file; a temporary one is born with mode 0600.

    Raises:
        ConfigurationError: if it cannot be written.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem}-")
        with os.fdopen(descriptor, "w") as stream:
            json.dump(content, stream, indent=2)
        Path(draft).replace(file)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from error
