"""Every process of an installation is stopped and started again, one by one, while people work: nobody notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rolling import People, require_unnoticed, restart_everything
from tests.support.topology import Topology
from tests.support.trees import make_tree
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(600)]

_FILES = 3_000


def test_nobody_notices_a_rolling_restart(tmp_path: Path) -> None:
    make_tree(tmp_path / "media", _FILES, 100_000, 400_000)
    with Topology(tmp_path) as topology:
        people = People(topology)
        scan = topology.start_scan(topology.make_pool(tmp_path / "media"))
        wait_until(lambda: topology.query(f"SELECT 1 FROM task WHERE id = '{scan}' AND done > 0"), 60)
        with people.at_work():
            taken = restart_everything(topology)
        wait_until(lambda: not topology.query("SELECT 1 FROM task WHERE finished IS NULL"), 120)
        require_unnoticed(topology, people, taken)
        assert topology.wait_for_task(scan)["progress"]["done"] == _FILES
        rows = topology.query(f"SELECT sum(size) FROM task_part WHERE task_id = '{scan}' AND role = 'WORK'")
        assert rows[0][0] == _FILES
