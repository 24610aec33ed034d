from __future__ import annotations

import pytest
from click.testing import CliRunner

from compose.cli import main

_DATABASE = {"LOOM_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/loom", "LOOM_REDIS_URL": "redis://127.0.0.1:1"}


@pytest.fixture(autouse=True)
def only_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOM_SECRET_KEY", "LOOM_POOL_ROOTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.execv", lambda *_: pytest.fail("a server was started"))


@pytest.mark.parametrize(
    ("command", "environment", "told"),
    [
        ("web", _DATABASE, "LOOM_SECRET_KEY: is required when LOOM_DATABASE_URL is set"),
        ("web", {"LOOM_POOL_ROOTS": "here:there"}, "LOOM_POOL_ROOTS: must be an absolute path"),
        ("migrate", {**_DATABASE, "LOOM_SECRET_KEY": "k" * 32}, "The database cannot be used: "),
    ],
)
def test_what_a_person_can_mend_is_one_line(command: str, environment: dict[str, str], told: str) -> None:
    answer = CliRunner().invoke(main, [command], env=environment)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"loom: {told}")
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.count(told) == 1
