"""Webhooks of a running Loom, whose processes are killed: the healthy hear everything, in order where asked, signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.running_loom import RunningLoom
from tests.support.waiting import wait_until
from tests.support.webhook_bed import ALLOWED, HEALTHY, OTHERS, Bed, check, endpoints, run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

_EVENTS, _PER_SECOND, _DEATHS = 150, 10.0, 3


def test_the_healthy_hear_everything(tmp_path: Path) -> None:
    with endpoints() as ports, RunningLoom(tmp_path, **ALLOWED) as loom:
        bed = Bed(loom, *ports)
        run(bed, _EVENTS, _PER_SECOND, _DEATHS)
        check(bed)
        heard = bed.heard()
        assert sum(heard[name].duplicates for name in HEALTHY) < _EVENTS * len(HEALTHY) / 10
        assert len(_hooks(loom)) == len(HEALTHY) + len(OTHERS)
        wait_until(lambda: not _hooks(loom)["/gone/0"]["active"], 60)
        assert "410" in _hooks(loom)["/gone/0"]["disabledReason"]
        # One of them is given up only when the time for its first answer is over.
        wait_until(lambda: all(_hooks(loom)[path]["failures"] for path in ("/broken/0", "/hanging/0")), 60)


def _hooks(loom: RunningLoom) -> dict[str, Any]:
    """All webhooks, by the path of their address."""
    hooks = loom.ask("GET", "/webhooks", params={"limit": 100}).json()["data"]
    return {urlsplit(hook["url"]).path: hook for hook in hooks}
