"""The names of all metrics, for tests of what refers to them."""

from __future__ import annotations

from models.services.metrics import ASKED, TOLD


def metric_names() -> set[str]:
    """Give them as Prometheus knows them."""
    own = {f"loom_{metric.name}" for metric in ASKED} | {f"loom_{name}" for name in TOLD}
    seconds = {f"loom_http_request_seconds_{part}" for part in ("bucket", "count", "sum")}
    return own | seconds | {"loom_http_requests_total"}
