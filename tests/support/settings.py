"""Settings of tests: nothing of the surrounding environment shines through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.home import Home
from models.settings import Settings

PASSWORD = "correct horse battery staple"


def make_settings(folder: Path, engines: Home, **changes: Any) -> Settings:
    """Settings that work on the engines of the session and keep all else in a folder of their own."""
    given: dict[str, Any] = {
        "home": folder,
        "database_url": engines.database_url,
        "redis_url": engines.redis_url,
        "storage_url": None,
        "secret_key": "a-key-that-only-tests-sign-with-0123456789",
        "initial_password": PASSWORD,
        "pool_roots": (),
        "storage_min_free_space": 0,
        "server_rest_host": "127.0.0.1",
        "log_level": "WARNING",
    }
    return Settings(**{**given, **changes})
