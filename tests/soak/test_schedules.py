"""Two schedulers, two webs, four workers: each run of a schedule comes exactly once, whoever leads."""

from __future__ import annotations

import signal
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.topology import SCHEDULERS, Topology
from tests.support.waiting import seconds_until, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

_CHANGES, _POOLS = 30, 8
_INTERVAL, _JITTER = timedelta(seconds=10), timedelta(seconds=1)


def _leads(topology: Topology, name: str) -> int:
    return topology.log_of(name).count("[info     ] leading")


def _change_leader(topology: Topology) -> timedelta:
    """Kill the one that leads and wait until the other one does; gives how long nobody led."""
    leader = topology.leader()
    other = next(name for name in SCHEDULERS if name != leader)
    before = _leads(topology, other)
    topology.end(leader, signal.SIGKILL)
    away = timedelta(seconds=seconds_until(lambda: _leads(topology, other) > before, 30))
    topology.start(leader)
    wait_until(lambda: topology.log_of(leader).rstrip().endswith("reason='another process leads'"), 60)
    return away


def _ticks(topology: Topology) -> dict[str, list[datetime]]:
    ticks: dict[str, list[datetime]] = {}
    rows = topology.query(
        "SELECT schedule_id, schedule_tick FROM task WHERE kind = 'pools.scan' ORDER BY schedule_tick"
    )
    for schedule, tick in rows:
        ticks.setdefault(str(schedule), []).append(tick)
    return ticks


def test_each_scheduled_run_comes_once(tmp_path: Path) -> None:
    with Topology(tmp_path) as topology:
        for number in range(_POOLS):
            (root := tmp_path / f"pool-{number}").mkdir()
            (root / "a.txt").write_text("a")
            body = {"name": root.name, "fsPath": str(root), "schedule": f"{_INTERVAL.seconds}s"}
            assert topology.send("POST", "/asset-pools", json=body).status_code == 201
        wait_until(lambda: len(_ticks(topology)) == _POOLS, 60)
        longest = max(_change_leader(topology) for _ in range(_CHANGES))
        wait_until(lambda: not topology.query("SELECT 1 FROM task WHERE finished IS NULL"), 60)
        ticks = _ticks(topology)
        states = dict(topology.query("SELECT state, count(*) FROM task WHERE kind = 'pools.scan' GROUP BY state"))
        runs = [tick for each in ticks.values() for tick in each]
        gaps = [after - before for each in ticks.values() for before, after in pairwise(each)]
        print(f"\n{_CHANGES} changes of the leader, nobody led for {longest.total_seconds():.1f} s at most; "
              f"{len(runs)} runs of {_POOLS} schedules, {states}; {min(gaps)} to {max(gaps)} apart")  # fmt: skip
        assert len(ticks) == _POOLS
        assert all(len(set(each)) == len(each) for each in ticks.values())
        assert min(gaps) >= _INTERVAL - _JITTER
        assert max(gaps) < 2 * _INTERVAL  # none is left out
        assert set(states) == {"SUCCEEDED"}
