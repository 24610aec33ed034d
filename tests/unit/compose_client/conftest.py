from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from compose.client import COMMANDS
from tests.unit.compose_client.server import FakeLoom, serving

Run = Callable[..., Result]


@pytest.fixture
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    for name in ("LOOM_SERVER", "LOOM_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def loom() -> Iterator[FakeLoom]:
    with serving(FakeLoom()) as server:
        yield server


@pytest.fixture
def run(loom: FakeLoom, config_home: Path) -> Run:
    """Run `loom ARGUMENTS` against the fake server, signed in."""

    def call(*arguments: str, text: str | None = None, token: str | None = "secret", server: str = "") -> Result:
        environment = {"LOOM_SERVER": server or loom.url, "LOOM_TOKEN": token}
        return CliRunner().invoke(root, arguments, input=text, env=environment)

    return call


root = click.Group("loom", commands={command.name: command for command in COMMANDS if command.name})
