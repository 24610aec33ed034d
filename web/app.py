"""The application: every resource, one way to sign in, one shape of errors. `wsgi.py` makes the one that is served."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask, Response
from flask_smorest import Api
from marshmallow import Schema, fields

from models.wiring import Platform
from web.aliases import add_aliases
from web.auth import open_to_all, require_declared_access, set_up_auth
from web.blueprints import PREFIX, JsonFormat, UuidConverter
from web.cors import allow_origin, answer_preflight
from web.errors import register_error_handlers
from web.fields import Audit, Instant, Meta
from web.hub import Hub
from web.live import add_live_events
from web.resources import BLUEPRINTS
from web.state import KEY, WebState
from web.trace import add_trace, begin_trace
from web.version import VERSION

_OPENAPI = {
    "API_TITLE": "Loom",
    "API_VERSION": VERSION,
    "OPENAPI_VERSION": "3.1.0",
}
_SECURITY = {
    "components": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A login token or an API key"}
        }
    },
    "security": [{"bearer": []}],
}

FIELDS: dict[Any, tuple[str, str | None]] = {
    Instant: ("string", "date-time"),
    Meta: ("object", None),
    Audit: ("object", None),
}
"""Our fields in OpenAPI's words: type and format."""


class ErrorSchema(Schema):
    """What every error looks like."""

    message = fields.String(required=True)
    status_code = fields.Integer(required=True, data_key="statusCode")
    code = fields.String()
    trace_id = fields.String(data_key="traceId")


class LoomApi(Api):  # type: ignore[misc]  # flask-smorest publishes no types
    """The OpenAPI document."""

    ERROR_SCHEMA = ErrorSchema


class _App(Flask):
    """Flask without its test for coroutine functions, made several times a request: no view of ours is one."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function as it is."""
        return func


def create_app(platform: Platform) -> Flask:
    """Make the application that works with these engines."""
    app = _App("loom", static_folder=None)
    app.json = JsonFormat(app)
    app.config.update(_OPENAPI, MAX_CONTENT_LENGTH=platform.settings.max_body_size)
    app.extensions[KEY] = WebState(platform, Hub(platform))
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.converters["uuid"] = UuidConverter
    set_up_auth(app, platform.settings)
    _set_up_requests(app)
    _add_routes(app)
    register_error_handlers(app)
    require_declared_access(app)
    return app


def close_app(app: Flask) -> None:
    """End the live events; the engines are for whoever opened them to close."""
    app.extensions[KEY].hub.close()


def _set_up_requests(app: Flask) -> None:
    app.before_request(begin_trace)
    app.before_request(answer_preflight)
    app.after_request(add_trace)
    app.after_request(allow_origin)


def _add_routes(app: Flask) -> None:
    api = LoomApi(app, spec_kwargs={"title": "Loom", **_SECURITY})
    api.register_converter(UuidConverter, _describe_uuid)
    for kind, described in FIELDS.items():
        api.register_field(kind, *described)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    _serve_document(app, api)
    add_live_events(app)
    add_aliases(app)


def _serve_document(app: Flask, api: Api) -> None:
    """Give the OpenAPI document to everybody: what can be asked is no secret, and its readers have no token."""

    @cache
    def document() -> str:
        return json.dumps(api.spec.to_dict())

    @app.get(f"{PREFIX}/openapi.json")
    @open_to_all
    def load_openapi() -> Response:
        return Response(document(), content_type="application/json")


def _describe_uuid(_converter: Any) -> dict[str, str]:
    return {"type": "string", "format": "uuid"}
