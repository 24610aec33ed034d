"""One way to log: structlog, lines for people on a terminal, JSON where machines read."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import Any

import structlog

_trace: ContextVar[str | None] = ContextVar("trace", default=None)


def set_trace(trace_id: str | None) -> None:
    """Say what this thread or greenlet works on from now on: the id appears in its log lines and in new tasks.

    It is that of the request that began it all, wherever the work goes on.
    """
    _trace.set(trace_id)


def current_trace() -> str | None:
    """Give the id of what this thread or greenlet works on."""
    return _trace.get()


def _add_trace(_logger: Any, _method: str, record: Any) -> Any:
    if trace := _trace.get():
        record["trace"] = trace
    return record


def set_up_logs(level: str, form: str) -> None:
    """Send structlog's and the libraries' records to standard error in the chosen form."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _add_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("apscheduler", "dramatiq", "httpx", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Give the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
