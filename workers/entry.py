"""What Dramatiq's command imports in each worker process. Only here is anything wired at import."""

from __future__ import annotations

from models.logs import set_up_logs
from models.process import tune_garbage_collection
from models.settings import Settings
from models.tracing import export_spans
from models.wiring import build
from workers.broker import make_broker
from workers.handlers import HANDLERS
from workers.offering import announce_kinds
from workers.runtime import Runtime

settings = Settings.from_env()
set_up_logs(settings.log_level, settings.log_format)
export_spans(settings.otlp_url, "worker")
platform = build(settings)
announce_kinds(platform)
broker = make_broker(Runtime(platform, settings.worker_queues, HANDLERS))
tune_garbage_collection()
