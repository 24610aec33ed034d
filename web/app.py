"""The application: every resource, one way to sign in, one shape of errors. `wsgi.py` makes the one that is served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from models.oidc import open_provider
from models.wiring import Platform
from web.aliases import add_aliases
from web.auth import require_declared_access, set_up_auth
from web.blueprints import JsonFormat, UuidConverter
from web.cors import allow_origin, answer_preflight
from web.docs import serve_docs
from web.errors import register_error_handlers
from web.hub import Hub
from web.live import add_live_events
from web.measuring import measure_requests, serve_metrics
from web.openapi import OPTIONS, describe_api
from web.patience import watch_body
from web.resources.task_details import read_wanted
from web.safety import add_security_headers
from web.state import KEY, WebState
from web.trace import add_trace, begin_trace


class _App(Flask):
    """Flask without its test for coroutine functions, made several times a request: no view of ours is one."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function as it is."""
        return func


def create_app(platform: Platform) -> Flask:
    """Make the application that works with these engines."""
    app = _App("loom", static_folder=None)
    app.json = JsonFormat(app)
    app.config.update(OPTIONS, MAX_CONTENT_LENGTH=platform.settings.max_body_size)
    connect_app(app, platform)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.converters["uuid"] = UuidConverter
    set_up_auth(app, platform.settings)
    _set_up_requests(app)
    _add_routes(app)
    register_error_handlers(app)
    require_declared_access(app)
    return app


def connect_app(app: Flask, platform: Platform) -> None:
    """Let an application work with these engines, in place of others if it had some."""
    app.extensions[KEY] = WebState(platform, Hub(platform), open_provider(platform.settings))


def close_app(app: Flask) -> None:
    """End the live events; the engines are for whoever opened them to close."""
    app.extensions[KEY].hub.close()


def _set_up_requests(app: Flask) -> None:
    app.before_request(begin_trace)
    measure_requests(app)
    app.before_request(watch_body)
    app.before_request(read_wanted)
    app.before_request(answer_preflight)
    app.after_request(add_trace)
    app.after_request(add_security_headers)
    app.after_request(allow_origin)


def _add_routes(app: Flask) -> None:
    describe_api(app)
    serve_docs(app)
    serve_metrics(app)
    add_live_events(app)
    add_aliases(app)
