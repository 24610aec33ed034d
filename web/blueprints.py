"""How routes are declared: flask-smorest's blueprint, with bodies read and refused in Loom's way."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, cast

import orjson
from flask import Request, Response
from flask.json.provider import DefaultJSONProvider
from flask_smorest import Blueprint
from gunicorn.http.errors import ParseException
from marshmallow import EXCLUDE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.routing import BaseConverter

from models.bodies.problems import describe_problems
from models.errors import InvalidInput
from models.ids import parse_uuid, printable

PREFIX = "/api/v1"
V = TypeVar("V", bound=Callable[..., Any])
R = TypeVar("R")


def _spell(value: Any) -> bytes:
    """Spell JSON; a number beyond 64 bits, which orjson refuses, must not make an element unreadable."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, default=str).encode()


class JsonFormat(DefaultJSONProvider):
    """JSON without its traps: NaN, infinite numbers and repeated keys are refused."""

    def dumps(self, obj: Any, **_: Any) -> str:
        """Spell a JSON text."""
        return _spell(obj).decode()

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Make the answer of a JSON text, without decoding and encoding it again."""
        return Response(_spell(self._prepare_response_obj(args, kwargs)), mimetype=self.mimetype)

    def loads(self, s: str | bytes, **options: Any) -> Any:
        """Read a JSON text.

        Raises:
            ValueError: when it is none.
        """
        try:
            return json.loads(
                s, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique, **options
            )
        except RecursionError:
            raise ValueError("nested too deep") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


class BodyParser(FlaskParser):
    """Reads what a request says and refuses it by Loom's errors."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "json": EXCLUDE, "query": EXCLUDE}  # noqa: RUF012

    def load_json(self, req: Request, schema: Schema) -> Any:
        """Give the body; no body at all is an empty object."""
        try:
            body = req.get_data()
        except (OSError, ParseException) as error:
            raise InvalidInput("The body could not be read to its end") from error
        if req.content_length is not None and len(body) < req.content_length:
            raise InvalidInput("The body ended before its announced length")
        if not body:
            return {}
        if not req.is_json:
            raise UnsupportedMediaType("The body must be JSON (Content-Type: application/json)")
        try:
            return req.json_module.loads(body)
        except ValueError as error:
            raise InvalidInput(f"The body is not valid JSON: {printable(str(error), 120)}", code="bad-json") from None

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Name the first fields that are wrong."""
        raise _refusal(error.messages_dict)


def load_values(schema: Schema, values: Any) -> dict[str, Any]:
    """Read values that are not all of a JSON body, such as those of a form.

    Raises:
        InvalidInput: naming the first fields that are wrong.
    """
    try:
        return cast("dict[str, Any]", schema.load(values))
    except ValidationError as error:
        raise _refusal({"": error.messages}) from None


def _refusal(messages: Any) -> InvalidInput:
    return InvalidInput(describe_problems(messages), code="validation")


class LoomBlueprint(Blueprint):  # type: ignore[misc]  # flask-smorest publishes no types
    """A group of routes. Its decorators are flask-smorest's, with types."""

    ARGUMENTS_PARSER = BodyParser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, __name__, url_prefix=PREFIX, description=description)

    def route(self, rule: str, **options: Any) -> Callable[[V], V]:
        """Serve a path below `/api/v1` by a view."""
        return cast("Callable[[V], V]", super().route(rule, **options))

    def arguments(
        self, schema: type[Schema] | Schema, **options: Any
    ) -> Callable[[Callable[..., R]], Callable[..., R]]:
        """Give the view what the body says, as its last positional argument."""
        return cast("Callable[[Callable[..., R]], Callable[..., R]]", super().arguments(schema, **options))

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Callable[[V], V]:
        """Document what the view answers, and spell it by the schema unless it is spelt already."""
        return cast("Callable[[V], V]", super().response(status_code, schema, **options))

    def alt_response(self, status_code: int, *arguments: Any, **options: Any) -> Callable[[V], V]:
        """Document another answer of the view."""
        return cast("Callable[[V], V]", super().alt_response(status_code, *arguments, **options))


def describe(summary: str, *parameters: dict[str, Any], **operation: Any) -> Callable[[V], V]:
    """Document a view that is not a function of its own, or what its schemas do not say, in OpenAPI's words.

    `operation` are parts of its entry, such as those of `web.openapi_files`.
    """
    described = {**operation, "parameters": [*parameters, *operation.get("parameters", ())]}

    def decorate(view: V) -> V:
        view.__doc__ = summary
        manual = {"manual_doc": {key: value for key, value in described.items() if value}}
        view.__dict__["_apidoc"] = {**getattr(view, "_apidoc", {}), **manual}
        return view

    return decorate


def query(name: str, kind: str, description: str, **more: Any) -> dict[str, Any]:
    """Spell a query parameter in OpenAPI's words."""
    return {"in": "query", "name": name, "description": description, "schema": {"type": kind, **more}}


class UuidConverter(BaseConverter):
    """A UUID in a path; what is none is a bad request, not an unknown route.

    But for the words that stand in the place of a UUID in some path: they must not offer the methods of both.
    """

    regex = r"(?!(?:import|kinds|move|upload)\Z)[^/]+"
    part_isolating = True

    def to_python(self, value: str) -> Any:
        """Read the segment. While a route is looked for, Flask understands no other errors than its own."""
        try:
            return parse_uuid(value)
        except InvalidInput as error:
            raise BadRequest(str(error)) from None
