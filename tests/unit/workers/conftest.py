"""What tests of several handlers share."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.permissions import Actor
from models.wiring import Platform
from tests.support.scanner import Scanner, make_scanner


@pytest.fixture
def scanner(platform: Platform, actor: Actor, tmp_path: Path) -> Scanner:
    return make_scanner(platform, actor, tmp_path / "media")
