"""Webhooks of a running Loom, whose processes are killed: the healthy hear everything, in order where asked, signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.running_loom import RunningLoom
from tests.support.webhook_bed import ALLOWED, HEALTHY, OTHERS, Bed, check, endpoints, run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

_EVENTS, _PER_SECOND, _DEATHS = 150, 10.0, 3


def test_the_healthy_hear_everything(tmp_path: Path) -> None:
    with endpoints() as ports, RunningLoom(tmp_path, **ALLOWED) as loom:
        bed = Bed(loom, *ports)
        run(bed, _EVENTS, _PER_SECOND, _DEATHS)
        check(bed)
        heard = bed.heard()
        assert sum(heard[name].duplicates for name in HEALTHY) < _EVENTS * len(HEALTHY) / 10
        hooks = loom.ask("GET", "/webhooks", params={"limit": 100}).json()["data"]
        assert len(hooks) == len(HEALTHY) + len(OTHERS)
        (gone,) = (hook for hook in hooks if hook["url"].endswith("/gone/0"))
        assert (gone["active"], "410" in gone["disabledReason"]) == (False, True)
        ill = [hook for hook in hooks if hook["url"].endswith(("/broken/0", "/hanging/0"))]
        assert all(hook["failures"] > 0 for hook in ill)
