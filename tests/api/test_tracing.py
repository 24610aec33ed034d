"""One trace id from a request to all that it sets going; and spans, for a collector of OpenTelemetry."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from models.errors import ConfigurationError
from models.settings import Settings
from models.tracing import export_spans, stop_spans
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.receivers import Receiver, answering, deliver_all, deliveries_of
from tests.support.web_servers import web_server
from workers.inline import run_all

_TRACE, _CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
_PARENT = {"traceparent": f"00-{_TRACE}-{_CALLER}-01"}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], dict[str, Span]]]:
    """What a collector has been told, by name, once nothing more is to be told."""
    told: list[bytes] = []

    def collect(handler: BaseHTTPRequestHandler) -> None:
        assert handler.path == "/v1/traces"
        told.append(handler.rfile.read(int(handler.headers["Content-Length"])))
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def give() -> dict[str, Span]:
        stop_spans()
        requests = [ExportTraceServiceRequest.FromString(data) for data in told]
        scopes = [scope for each in requests for found in each.resource_spans for scope in found.scope_spans]
        return {span.name: span for scope in scopes for span in scope.spans}

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    with web_server(collect) as url:
        export_spans(url, "test")
        yield give
        stop_spans()


def test_a_request_is_found_again_in_its_events_and_in_what_webhooks_are_told(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    tag = client.request("POST", "/tags", {"name": "red", "collection": "colours"}, headers=_PARENT, expect=201)
    assert tag.headers["X-Trace-Id"] == _TRACE
    deliver_all(open_platform)
    headers = receiver.heard[0].headers
    assert headers["x-trace-id"] == _TRACE
    assert headers["traceparent"].startswith(f"00-{_TRACE}-")
    assert [each["traceId"] for each in deliveries_of(client, webhook)] == [_TRACE]
    events = client.get("/events", query_string={"since": 0, "type": "tag.created"})["data"]
    assert [each["traceId"] for each in events] == [_TRACE]


def test_words_of_a_caller_are_traces_too(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver
) -> None:
    for word in ("order-7", "order-8", "order-7"):
        body = {"name": f"tag {len(receiver.heard)}", "collection": "colours"}
        client.request("POST", "/tags", body, headers={"X-Trace-Id": word}, expect=201)
        deliver_all(open_platform)
    first, second, third = [heard.headers for heard in receiver.heard]
    assert [each["x-trace-id"] for each in (first, second, third)] == ["order-7", "order-8", "order-7"]
    # traceparent has no room for words: each stands for one number.
    ids = [each["traceparent"].split("-")[1] for each in (first, second, third)]
    assert (ids[0] == ids[2], ids[0] == ids[1]) == (True, False)


def test_what_tasks_do_is_of_the_trace_of_their_request(client: ApiClient, open_platform: Platform) -> None:
    client.request("POST", "/tasks", {"kind": "maintenance.sweep"}, headers=_PARENT, expect=202)
    run_all(open_platform)
    events = client.get("/events", query_string={"since": 0, "type": "task.updated"})["data"]
    assert [(each["data"]["state"], each["traceId"]) for each in events] == [
        ("RUNNING", _TRACE), ("SUCCEEDED", _TRACE),
    ]  # fmt: skip


def test_a_collector_hears_of_requests_parts_and_deliveries(
    client: ApiClient, open_platform: Platform, webhook: dict[str, Any], receiver: Receiver,
    spans: Callable[[], dict[str, Span]],
) -> None:  # fmt: skip
    client.request("POST", "/tasks", {"kind": "maintenance.sweep"}, headers=_PARENT, expect=202)
    run_all(open_platform)
    receiver.answer = answering(500)
    client.request("POST", "/tags", {"name": "red", "collection": "colours"}, headers=_PARENT, expect=201)
    deliver_all(open_platform)
    client.request("GET", "/nothing", expect=404)
    found = spans()
    request, part, sent = found["POST /api/v1/tasks"], found["maintenance.sweep"], found["deliver"]
    assert {each.trace_id.hex() for each in (request, part, sent)} == {_TRACE}
    assert request.parent_span_id.hex() == _CALLER
    assert receiver.heard[0].headers["traceparent"] == f"00-{_TRACE}-{sent.span_id.hex()}-01"
    assert (request.kind, part.kind, sent.kind) == (
        Span.SPAN_KIND_SERVER,
        Span.SPAN_KIND_CONSUMER,
        Span.SPAN_KIND_CLIENT,
    )
    assert (request.status.code, part.status.code, sent.status.message) == (0, 0, "status 500")
    assert found["GET none"].trace_id.hex() != _TRACE


def test_a_collector_that_is_away_holds_nothing_up(client: ApiClient) -> None:
    export_spans("http://127.0.0.1:9", "test")
    try:
        client.get("/me")
    finally:
        begun = time.monotonic()
        stop_spans()
    assert time.monotonic() - begun < 10


def test_another_address_than_one_of_the_web_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOM_OTLP_URL", "ftp://collector")
    with pytest.raises(ConfigurationError, match="LOOM_OTLP_URL: must start with http"):
        Settings.from_env()
