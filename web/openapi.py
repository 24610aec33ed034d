"""The OpenAPI document: made from the routes and their schemas, so that it cannot say anything else."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import yaml
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask, Response
from flask_smorest import Api
from marshmallow import Schema, fields

from web.auth import open_to_all
from web.blueprints import PREFIX, UuidConverter
from web.fields import AreaField, Audit, ChangeSchema, Instant, Meta
from web.openapi_details import complete
from web.resources import BLUEPRINTS
from web.version import VERSION

OPTIONS = {
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
    AreaField: ("object", None),
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


def describe_api(app: Flask) -> None:
    """Register all resources, and serve the document of them."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name_schema)
    api = LoomApi(app, spec_kwargs={"title": "Loom", "marshmallow_plugin": plugin, **_SECURITY})
    api.register_converter(UuidConverter, _describe_uuid)
    for kind, described in FIELDS.items():
        api.register_field(kind, *described)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    _serve_document(app, api)


def _name_schema(schema: Any) -> str:
    """Name a body after its class; a replacement has the same class as a partial update."""
    kind: Any = resolve_schema_cls(schema)
    is_replacement = isinstance(schema, ChangeSchema) and schema.is_replacement
    name = str(kind.__name__).removesuffix("Schema")
    return name.removesuffix("Update") + "Replace" if is_replacement else name


def _serve_document(app: Flask, api: Api) -> None:
    """Give the OpenAPI document to everybody: what can be asked is no secret, and its readers have no token."""

    @cache
    def as_json() -> str:
        return json.dumps(complete(api.spec.to_dict(), app))

    @cache
    def as_yaml() -> str:
        return yaml.safe_dump(json.loads(as_json()), sort_keys=False, allow_unicode=True)

    @app.get(f"{PREFIX}/openapi.json")
    @open_to_all
    def load_openapi() -> Response:
        return Response(as_json(), content_type="application/json")

    @app.get(f"{PREFIX}/openapi.yaml")
    @open_to_all
    def load_openapi_yaml() -> Response:
        return Response(as_yaml(), content_type="text/vnd.yaml; charset=utf-8")


def _describe_uuid(_converter: Any) -> dict[str, str]:
    return {"type": "string", "format": "uuid"}
