"""The OpenAPI document: made from the routes and their schemas, so that it cannot say anything else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import yaml
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask, Response
from flask_smorest import Api
from marshmallow import Schema, fields

from models.bodies.fields import BIGGEST, AreaField, Audit, ChangeSchema, Instant, Meta, MimeType, Sha512
from web.auth import open_to_all
from web.blueprints import PREFIX, LoomBlueprint, UuidConverter
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

_USER = {
    "type": "object",
    "properties": {"uuid": {"type": "string", "format": "uuid"}, "name": {"type": "string"}},
}
_MOMENT = {"type": "string", "format": "date-time"}
SHAPES: dict[Any, dict[str, Any]] = {
    Audit: {
        "description": "Who made the element and who changed it last, and when",
        "properties": {"created": _MOMENT, "edited": _MOMENT, "creator": _USER, "editor": _USER},
    },
    AreaField: {
        "description": "Part of an asset: milliseconds and pixels",
        "properties": {key: {"type": ["integer", "null"], "minimum": 0, "maximum": BIGGEST} for key in AreaField.KEYS},
    },
    Sha512: {"pattern": "^[0-9a-fA-F]{128}$"},
    MimeType: {"pattern": MimeType.PATTERN},
}
"""What can be said of our fields besides."""


class ErrorSchema(Schema):
    """What every error looks like."""

    message = fields.String(required=True)
    status_code = fields.Integer(required=True, data_key="statusCode")
    code = fields.String()
    trace_id = fields.String(data_key="traceId")


class LoomApi(Api):  # type: ignore[misc]  # flask-smorest publishes no types
    """The OpenAPI document. It is made when somebody first asks for it: that takes a good part of a second."""

    ERROR_SCHEMA = ErrorSchema

    def register_blueprint(self, blp: Any, **options: Any) -> None:
        """Serve a resource."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)

    def describe(self, blueprints: Iterable[LoomBlueprint]) -> dict[str, Any]:
        """Make the document of resources that are served."""
        for blueprint in blueprints:
            blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
            self.spec.tag({"name": blueprint.name, "description": blueprint.description})
        document: dict[str, Any] = self.spec.to_dict()
        return document


def describe_api(app: Flask) -> None:
    """Register all resources, and serve the document of them."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name_schema)
    api = LoomApi(app, spec_kwargs={"title": "Loom", "marshmallow_plugin": plugin, **_SECURITY})
    api.register_converter(UuidConverter, _describe_uuid)
    for kind, described in FIELDS.items():
        api.register_field(kind, *described)
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(_describe_field)  # type: ignore[no-untyped-call]
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    _serve_document(app, api)


def _describe_field(_converter: Any, field: Any, **_: Any) -> dict[str, Any]:
    """Tell what type and format alone do not."""
    return next((dict(SHAPES[kind]) for kind in type(field).__mro__ if kind in SHAPES), {})


def _name_schema(schema: Any) -> str:
    """Name a body after its class; a replacement has the same class as a partial update."""
    kind: Any = resolve_schema_cls(schema)
    is_replacement = isinstance(schema, ChangeSchema) and schema.is_replacement
    name = str(kind.__name__).removesuffix("Schema")
    return name.removesuffix("Update").removesuffix("Replace") + "Replace" if is_replacement else name


def _serve_document(app: Flask, api: LoomApi) -> None:
    """Give the OpenAPI document to everybody: what can be asked is no secret, and its readers have no token."""

    @cache
    def as_json() -> str:
        return json.dumps(complete(api.describe(BLUEPRINTS), app))

    @cache
    def as_yaml() -> str:
        # libyaml is ten times as fast; where PyYAML was built without it there is no such class.
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        return yaml.dump(json.loads(as_json()), Dumper=dumper, sort_keys=False, allow_unicode=True)

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
