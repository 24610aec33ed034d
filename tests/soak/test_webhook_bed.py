"""Twenty webhooks, twenty thousand events, thirty deaths: who is well hears everything, soon, and hardly twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.running_loom import RunningLoom
from tests.support.webhook_bed import ALLOWED, HEALTHY, Bed, check, endpoints, run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]

_EVENTS, _PER_SECOND, _DEATHS = 20_000, 20.0, 30


def test_the_healthy_hear_everything(tmp_path: Path) -> None:
    with endpoints() as ports, RunningLoom(tmp_path, **ALLOWED) as loom:
        bed = Bed(loom, *ports)
        run(bed, _EVENTS, _PER_SECOND, _DEATHS)
        check(bed)
        heard = bed.heard()
        latencies = sorted(each for name in HEALTHY for each in heard[name].latencies)
        duplicates = sum(heard[name].duplicates for name in HEALTHY)
        p50, p99 = (latencies[len(latencies) * part // 100] for part in (50, 99))
        print(f"\n{len(latencies):,} sent, {duplicates / len(latencies):.2%} of them twice; "
              f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms")  # fmt: skip
        assert duplicates < 0.01 * len(latencies)
        assert p99 < 2
