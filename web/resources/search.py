"""Searching. All routes are special: they read the text index and page by offset or cursor, not by element.

`/search/assets` and `/search/results` differ in their `types`.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from models.bodies.fields import AnswerSchema, RequestSchema
from models.permissions import Actor, Permission
from models.services.search import ASSET, PROVIDER, SEARCHED_TYPES, search_status, suggest
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint
from web.meaning import capabilities
from web.searching import TYPES, AssetSearchSchema, SearchPageSchema, read_types, search_answer
from web.state import platform

_MOST_SUGGESTED = 50

Values = dict[str, Any]

blueprint = LoomBlueprint("search", "Search by words in names, paths, types and texts")


class SearchSchema(AssetSearchSchema):
    """What to search for, and among which elements."""

    types = fields.String(
        load_default=",".join(SEARCHED_TYPES), metadata={"description": f"Comma list of {', '.join(TYPES)}"}
    )


class SuggestionSchema(AnswerSchema):
    """What a text may be the beginning of."""

    text = fields.String()
    type = fields.String()
    uuid = fields.UUID()
    score = fields.Float()


class SuggestionsSchema(AnswerSchema):
    """Suggestions, best first."""

    data = fields.List(fields.Nested(SuggestionSchema))


class SuggestRequestSchema(RequestSchema):
    """What somebody has typed."""

    q = fields.String(load_default="")
    limit = fields.Integer(load_default=10, validate=validate.Range(1, _MOST_SUGGESTED))


class SearchStatusSchema(AnswerSchema):
    """Whether searches are answered, and how far the index is behind."""

    provider = fields.Constant(PROVIDER)
    available = fields.Boolean()
    reason = fields.String()
    capabilities = fields.Function(lambda _: capabilities(), metadata={"type": "array", "items": {"type": "string"}})
    document_count = fields.Integer(data_key="documentCount")
    dirty_count = fields.Integer(data_key="dirtyCount")
    last_synced = fields.Float(data_key="lastSyncedAt")


@blueprint.route("/search/assets", methods=["GET"])
@signed_in(Permission.READ_SEARCH, Permission.READ_ASSET)
@blueprint.arguments(AssetSearchSchema, location="query")
@blueprint.response(200, SearchPageSchema)
def find_assets(uow: UnitOfWork, actor: Actor, values: Values) -> Values:
    """Search assets."""
    return search_answer(uow, actor, values, [ASSET])


@blueprint.route("/search/results", methods=["GET"])
@signed_in(Permission.READ_SEARCH)
@blueprint.arguments(SearchSchema, location="query")
@blueprint.response(200, SearchPageSchema)
def find_results(uow: UnitOfWork, actor: Actor, values: Values) -> Values:
    """Search elements of all types that are indexed."""
    return search_answer(uow, actor, values, read_types(values["types"]))


@blueprint.route("/search/suggestions", methods=["GET"])
@signed_in(Permission.READ_SEARCH)
@blueprint.arguments(SuggestRequestSchema, location="query")
@blueprint.response(200, SuggestionsSchema)
def suggest_completions(uow: UnitOfWork, actor: Actor, values: Values) -> Values:
    """Complete what somebody types."""
    return {"data": suggest(uow, platform().search, actor, values["q"], values["limit"])}


@blueprint.route("/search/status", methods=["GET"])
@signed_in(Permission.READ_SEARCH_INDEX)
@blueprint.response(200, SearchStatusSchema)
def load_status(uow: UnitOfWork, actor: Actor) -> Any:
    """Tell whether searches are answered, and how far the index is behind."""
    return search_status(uow, platform().search, actor)
