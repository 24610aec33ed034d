"""Everything goes wrong for a while, under a mixed load: nothing is lost, nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.chaos_run import run

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(900)]


def test_nothing_is_lost(tmp_path: Path) -> None:
    run(tmp_path, 90, seed=2)
