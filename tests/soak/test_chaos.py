"""Twenty minutes in which everything goes wrong, under a mixed load: nothing is lost, nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.chaos_run import run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]


def test_nothing_is_lost(tmp_path: Path) -> None:
    run(tmp_path, 20 * 60, seed=1)
