"""Where the commands keep the server and the tokens of this user: one file, readable by the owner only.

A token is kept per server, so that it is never sent to another one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_config_path

from compose.client.private_files import write_private
from models.errors import ConfigurationError

DEFAULT_SERVER = "http://127.0.0.1:8092"


@dataclass
class Credentials:
    """The server last signed in to, and a token for each server."""

    server: str = DEFAULT_SERVER
    tokens: dict[str, str] = field(default_factory=dict)


def credentials_file() -> Path:
    """Give the file's place."""
    return user_config_path("loom") / "credentials.json"


def load_credentials() -> Credentials:
    """Read the file; without one, give the default server and no token.

    Raises:
        ConfigurationError: if the file cannot be understood.
    """
    file = credentials_file()
    try:
        content = json.loads(file.read_bytes())
        return Credentials(str(content["server"]), {str(key): str(value) for key, value in content["tokens"].items()})
    except FileNotFoundError:
        return Credentials()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{file} cannot be read; delete it and run `loom login`") from error


def store_token(server: str, token: str) -> None:
    """Keep `token` for `server`, which becomes the one that commands talk to."""
    credentials = load_credentials()
    credentials.server = server
    credentials.tokens[server] = token
    write_private(credentials_file(), {"server": credentials.server, "tokens": credentials.tokens})
