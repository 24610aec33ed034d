"""What gunicorn serves. Only here, in each web process, is anything wired at import."""

from __future__ import annotations

from models.logs import set_up_logs
from models.process import tune_garbage_collection
from models.settings import Settings
from models.tracing import export_spans
from models.wiring import build
from web.app import create_app

settings = Settings.from_env()
set_up_logs(settings.log_level, settings.log_format)
export_spans(settings.otlp_url, "web")
app = create_app(build(settings))
tune_garbage_collection()
