"""How a process of Loom that nobody else's command starts (indexer, scheduler) begins and ends."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable
from threading import Event
from types import FrameType

from models.logs import set_up_logs
from models.settings import Settings
from models.tracing import export_spans, stop_spans
from models.wiring import Platform, build


def tune_garbage_collection() -> None:
    """Look less for garbage, once all is loaded.

    A batch holds thousands of small objects until it is written: looking through them again and again finds nothing,
    and neither does looking through what every process has loaded.
    """
    gc.set_threshold(50_000, 20, 20)
    gc.freeze()
    gc.enable()  # it rests while a process loads what it will keep, which takes a quarter less time so


def run_process(name: str, run: Callable[[Platform, Event], None], connections: int) -> None:
    """Wire the process and run it; SIGTERM and SIGINT set the event, upon which `run` is to return soon."""
    settings = Settings.from_env()
    set_up_logs(settings.log_level, settings.log_format)
    export_spans(settings.otlp_url, name)
    platform = build(settings, connections=connections)
    tune_garbage_collection()
    stopping = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        run(platform, stopping)
    finally:
        platform.close()
        stop_spans()
