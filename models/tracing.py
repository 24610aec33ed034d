"""One trace id through all that a request sets going: request, tasks, parts, events, deliveries, and the logs of each.

Where a collector of OpenTelemetry is set up (`export_spans`), requests, parts and deliveries are told to it as spans of
that trace. A trace id is 32 hex digits, as W3C Trace Context has it, unless a caller insists on a word of their own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from models.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.trace import Span, Tracer

Kind = Literal["SERVER", "CONSUMER", "CLIENT"]
Attribute = str | int
_HEX_DIGITS = 32
_EXPORT_SECONDS = 5
_trace: ContextVar[str | None] = ContextVar("trace", default=None)
_parent: ContextVar[str | None] = ContextVar("parent", default=None)
_tracer: Tracer | None = None
_stop: Callable[[], None] | None = None


def set_trace(trace_id: str | None, parent_span: str | None = None) -> None:
    """Say what this thread or greenlet works on from now on: the id appears in its log lines, tasks and events.

    It is that of the request that began it all, wherever the work goes on. `parent_span`, 16 hex digits, is the span
    that a caller asks from.
    """
    _trace.set(trace_id)
    _parent.set(parent_span)


def current_trace() -> str | None:
    """Give the id of what this thread or greenlet works on."""
    return _trace.get()


def trace_headers(span: Span | None) -> dict[str, str]:
    """Give the headers that carry the trace at hand to another server; `span` is the one that calls it."""
    trace_id = _trace.get()
    if trace_id is None:
        return {}
    span_id = f"{span.get_span_context().span_id:016x}" if span else secrets.token_hex(8)
    return {"X-Trace-Id": trace_id, "traceparent": f"00-{_number(trace_id):032x}-{span_id}-01"}


def export_spans(url: str | None, process: str) -> None:
    """Tell a collector (OTLP over HTTP) of this process's spans; without one, spans cost nothing.

    Raises:
        ConfigurationError: when what speaks to collectors is not installed.
    """
    global _tracer, _stop
    if url is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError("LOOM_OTLP_URL: needs the extra loom-ingest[otel], which is not installed") from None
    resource = Resource.create({"service.name": f"loom-{process}"})
    provider = TracerProvider(resource=resource, id_generator=_ids())
    exporter = OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer, _stop = provider.get_tracer("loom"), provider.shutdown


def stop_spans() -> None:
    """Tell the collector what it has not been told yet, and nothing more from now on."""
    global _tracer, _stop  # noqa: PLW0603 - as there is one log, there is one collector
    if _stop is not None:
        _stop()
    _tracer = _stop = None


def begin_span(name: str, kind: Kind, **attributes: Attribute) -> Span | None:
    """Begin a span of the trace at hand; None where nobody is told of it."""
    if _tracer is None:
        return None
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - an extra

    return _tracer.start_span(name, _context(), SpanKind[kind], attributes)


def end_span(span: Span | None, *, failed: str | None = None, **attributes: Attribute) -> None:
    """End a span; `failed` says why, where it did."""
    if span is None:
        return
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 - an extra

    span.set_attributes(attributes)
    if failed is not None:
        span.set_status(StatusCode.ERROR, failed)
    span.end()


@contextmanager
def spanning(name: str, kind: Kind, **attributes: Attribute) -> Iterator[Span | None]:
    """Let a block be a span, which fails as the block does."""
    span = begin_span(name, kind, **attributes)
    try:
        yield span
    except BaseException as error:
        end_span(span, failed=type(error).__name__)
        raise
    end_span(span)


def _number(trace_id: str) -> int:
    """Give the 128 bits that a trace id stands for: its digits, or those that a caller's own word leads to."""
    if len(trace_id) == _HEX_DIGITS and trace_id.strip("0123456789abcdef") == "":
        return int(trace_id, 16) or 1
    return int.from_bytes(blake2b(trace_id.encode(), digest_size=16).digest(), "big")


def _context() -> Any:
    """Give what a span begins below: that of the caller, or nothing. Either way it is of the trace at hand."""
    from opentelemetry.context import Context  # noqa: PLC0415 - an extra
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context  # noqa: PLC0415

    trace_id, parent = _trace.get(), _parent.get()
    if trace_id is None or parent is None:
        return Context()
    sampled = TraceFlags(TraceFlags.SAMPLED)
    caller = SpanContext(_number(trace_id), int(parent, 16), is_remote=True, trace_flags=sampled)
    return set_span_in_context(NonRecordingSpan(caller), Context())


def _ids() -> RandomIdGenerator:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415 - an extra

    class Ids(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            trace_id = _trace.get()
            return super().generate_trace_id() if trace_id is None else _number(trace_id)

    return Ids()
