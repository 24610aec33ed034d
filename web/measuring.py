"""`/metrics`, in the form that Prometheus reads, for operators: `models.services.metrics`, and how requests went.

Requests are counted in files that all web processes of a machine share (`LOOM_HOME/metrics`), so it does not matter
which of them answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import REGISTRY, Collector
from sqlalchemy.exc import SQLAlchemyError

from models.errors import LoomError
from models.permissions import Actor, Permission
from models.services.metrics import TOLD, Sample, ask_database, ask_others
from models.tracing import begin_span, end_span
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.state import platform

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NONE = "none"
_SERVER_ERROR = 500
REQUESTS = Counter("loom_http_requests", "Requests that were answered", ("method", "route", "status"))
SECONDS = Histogram("loom_http_request_seconds", "Until an answer began", ("method", "route"), buckets=_BUCKETS)


def measure_requests(app: Flask) -> None:
    """Measure every request."""
    app.before_request(_begin)
    app.after_request(_end)


def serve_metrics(app: Flask) -> None:
    """Serve what was measured."""

    @app.get("/metrics")
    @signed_in()
    def show_metrics(uow: UnitOfWork, actor: Actor) -> Response:
        """Say how Loom is doing."""
        actor.require_operator(Permission.READ_TASK)
        registry = CollectorRegistry()
        registry.register(_Loom(uow))
        text = generate_latest(registry) + generate_latest(_requests())
        return Response(text, content_type=CONTENT_TYPE_LATEST)


def _begin() -> None:
    g.begun = time.perf_counter()
    method, route = _asked()
    g.span = begin_span(f"{method} {route}", "SERVER", **{"http.request.method": method, "http.route": route})


def _end(answer: Response) -> Response:
    method, route = _asked()
    REQUESTS.labels(method, route, answer.status_code).inc()
    SECONDS.labels(method, route).observe(time.perf_counter() - g.begun)
    failed = answer.status if answer.status_code >= _SERVER_ERROR else None
    end_span(g.span, failed=failed, **{"http.response.status_code": answer.status_code})
    return answer


def _asked() -> tuple[str, str]:
    """Give what was asked for, by the rule: there are as many paths as elements. And callers may make methods up."""
    route = request.url_rule.rule if request.url_rule else _NONE
    return (request.method if request.method in _METHODS else _NONE), route


def _requests() -> CollectorRegistry:
    """Give the counts of all processes, or of this one if they do not share them."""
    try:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:
        return REGISTRY
    return registry


class _Loom(Collector):
    """Asks for everything when it is asked."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name nothing beforehand."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all metrics; an engine that does not answer leaves out its own."""
        with suppress(SQLAlchemyError):
            for metric, samples in ask_database(self._uow):
                yield _gauge(metric.name, metric.meaning, metric.labels, samples)
        engines = platform()
        with suppress(SQLAlchemyError, LoomError):
            for name, samples in ask_others(self._uow, engines.bus, engines.search, engines.blobs):
                meaning, labels = TOLD[name]
                yield _gauge(name, meaning, labels, samples)


def _gauge(name: str, meaning: str, labels: tuple[str, ...], samples: Sequence[Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"loom_{name}", meaning, labels=labels)
    for sample in samples:
        family.add_metric(sample.labels, sample.value)
    return family
