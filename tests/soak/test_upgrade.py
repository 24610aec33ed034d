"""An installation is brought to this version from an earlier one, table by table and process by process, under load."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from models.db import REVISION
from tests.support.rolling import People, require_unnoticed, restart_everything
from tests.support.topology import Topology
from tests.support.trees import make_tree
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

_ROOT = Path(__file__).parents[2]
_FILES = 3_000


def _git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True).stdout


def _earlier(folder: Path, wanted: str | None) -> Path:
    """Unpack an earlier Loom: the one that is wanted, or the last that had other tables."""
    try:
        commit = wanted or _git("log", "-1", "--format=%H^", "-G^REVISION = ", "--", "models/db.py").strip()
        found = _git("show", f"{commit}:models/db.py")
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("there is no history of Loom here")
    assert f'REVISION = "{REVISION}"' not in found, f"{commit} has the same tables"
    code = folder / "earlier"
    code.mkdir()
    archive = subprocess.run(["git", "-C", str(_ROOT), "archive", commit], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(code)], input=archive, check=True)
    return code


def test_nobody_notices_an_upgrade(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    make_tree(tmp_path / "media", _FILES, 100_000, 400_000)
    topology = Topology(tmp_path)
    topology.code = _earlier(tmp_path, request.config.getoption("--upgrade-from"))
    with topology:
        before = topology.query("SELECT version_num FROM alembic_version")
        people = People(topology)
        scan = topology.start_scan(topology.make_pool(tmp_path / "media"))
        wait_until(lambda: topology.query(f"SELECT 1 FROM task WHERE id = '{scan}' AND done > 0"), 60)
        with people.at_work():
            topology.code = None
            topology.migrate()
            taken = restart_everything(topology)
        wait_until(lambda: not topology.query("SELECT 1 FROM task WHERE finished IS NULL"), 120)
        after = topology.query("SELECT version_num FROM alembic_version")
        print(f"\ntables of {before[0][0]} are of {after[0][0]}", end="")
        assert after == [(REVISION,)]
        require_unnoticed(topology, people, taken)
        assert topology.wait_for_task(scan)["progress"]["done"] == _FILES
