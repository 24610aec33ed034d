"""What is like something else: assets by their fingerprints, embeddings by their vectors."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from marshmallow import ValidationError, fields, validate, validates_schema

from models.bodies.asset_filters import asset_filters
from models.bodies.fields import AnswerSchema, RequestSchema, Text
from models.bodies.filters import read_filters
from models.entities import Task
from models.errors import InvalidInput
from models.messages import INDEX_VECTORS, SEARCH_BY_IMAGE
from models.payloads import IndexVectors, SearchByImage
from models.permissions import Actor, Permission
from models.search import SearchQuery
from models.services import tasks
from models.services.embeddings import MOST_DIMENSIONS
from models.services.fusion import fuse
from models.services.search import Wanted, search
from models.services.similarity import (
    DEFAULT_THRESHOLD,
    MOST_SIMILAR,
    Sought,
    select_assets,
    similar_assets,
    similar_embeddings,
)
from models.services.vector_keys import FINGERPRINTS
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, require_success
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe, query
from web.openapi_files import takes_file
from web.state import platform
from web.task_bodies import TaskSchema
from web.upload_tasks import FILENAME, discarded_on_error, receive_upload, submit_upload

Values = dict[str, Any]
_LIMIT = fields.Integer(load_default=10, validate=validate.Range(1, MOST_SIMILAR))

blueprint = LoomBlueprint("similarity", "What is like something else")


class SimilarAssetsQuerySchema(RequestSchema):
    """How like they must be."""

    algorithm = fields.String(
        validate=validate.OneOf(list(FINGERPRINTS)),
        metadata={"description": "Which fingerprints are compared; the first of these that the asset has, if not said"},
    )
    limit = _LIMIT
    threshold = fields.Float(
        validate=validate.Range(0, 1),
        metadata={
            "description": f"The least score, which is 1 / (1 + differing bits); {DEFAULT_THRESHOLD} if not said"
        },
    )


class SimilarAssetSchema(AnswerSchema):
    """An asset that is like another one."""

    asset_id = fields.UUID(data_key="assetUuid")
    sha512 = fields.String()
    score = fields.Float()
    distance = fields.Integer(metadata={"description": "How many bits of the fingerprints differ"})


class SimilarAssetsSchema(AnswerSchema):
    """Assets, best first."""

    data = fields.List(fields.Nested(SimilarAssetSchema))


class EmbeddingSearchSchema(RequestSchema):
    """What embeddings are to be near to: one of `vector`, `embeddingUuid` and `assetUuid`."""

    vector = fields.List(fields.Float(), validate=validate.Length(1, MOST_DIMENSIONS))
    embedding_id = fields.UUID(data_key="embeddingUuid")
    asset_id = fields.UUID(data_key="assetUuid")
    type = fields.String()
    model = fields.String()
    limit = _LIMIT
    threshold = fields.Float(validate=validate.Range(-1, 1), metadata={"description": "The least cosine"})
    filter = fields.List(
        Text(shortest=1, longest=4096), load_default=list, validate=validate.Length(max=100),
        metadata={"description": "Terms key[operator]=value about the assets, as their lists know them"},
    )  # fmt: skip
    q = fields.String(metadata={"description": "Words as searches know them: then both count, fused by rank"})

    @validates_schema
    def _require_one(self, values: Values, **_: Any) -> None:
        given = [name for name in ("vector", "embedding_id", "asset_id") if values.get(name) is not None]
        if len(given) != 1:
            raise ValidationError("Give one of vector, embeddingUuid and assetUuid")


class SimilarEmbeddingSchema(AnswerSchema):
    """An embedding that is near."""

    embedding_id = fields.UUID(data_key="embeddingUuid")
    asset_id = fields.UUID(data_key="assetUuid")
    score = fields.Float(metadata={"description": "The cosine; with `q`, that of both ranks"})


class SimilarEmbeddingsSchema(AnswerSchema):
    """Embeddings, best first."""

    data = fields.List(fields.Nested(SimilarEmbeddingSchema))


class AlikeAssetSchema(AnswerSchema):
    """An asset that looks like a picture."""

    asset_id = fields.UUID(data_key="assetUuid", attribute="assetUuid")
    score = fields.Float(metadata={"description": "Of both ways to look, fused by rank"})
    distance = fields.Integer(metadata={"description": "How many bits of the pHashes differ, if few do"})
    cosine = fields.Float(metadata={"description": "Of the two layouts, if the asset has one"})


class AlikeSchema(AnswerSchema):
    """Assets, best first."""

    data = fields.List(fields.Nested(AlikeAssetSchema))


_ALIKE = AlikeSchema()
_DEFAULT_FOUND = 10


@blueprint.route("/assets/<uuid:asset_id>/similar-assets", methods=["GET"])
@signed_in(Permission.READ_ASSET)
@blueprint.arguments(SimilarAssetsQuerySchema, location="query")
@blueprint.response(200, SimilarAssetsSchema)
def find_similar(uow: UnitOfWork, actor: Actor, values: Values, asset_id: UUID) -> Values:
    """Find assets that look alike; none if nothing is known of how the asset looks."""
    found = similar_assets(
        uow, actor, asset_id, values.get("algorithm"), values["limit"], values.get("threshold")
    )  # fmt: skip
    return {"data": found}


@blueprint.route("/embeddings/search", methods=["POST"])
@signed_in(Permission.READ_EMBEDDING)
@blueprint.arguments(EmbeddingSearchSchema)
@blueprint.response(200, SimilarEmbeddingsSchema)
def find_near(uow: UnitOfWork, actor: Actor, values: Values) -> Values:
    """Find embeddings that are near to a vector, an embedding or those of an asset."""
    sought = Sought(*(values.get(name) for name in ("vector", "embedding_id", "asset_id", "type", "model")))
    index, conditions = platform().vectors, read_filters(values["filter"], asset_filters(actor))
    if values.get("q") is None:
        found = similar_embeddings(
            uow, platform().vectors, actor, sought, values["limit"], values.get("threshold"), conditions
        )
        return {"data": found}
    actor.require_somewhere(Permission.READ_SEARCH)
    near = similar_embeddings(uow, index, actor, sought, MOST_SIMILAR, values.get("threshold"), conditions)
    words = SearchQuery(actor.space_id, values["q"], limit=MOST_SIMILAR)
    hits = [hit.asset_id for hit in search(uow, platform().search, actor, Wanted(words)).page.hits]
    kept = select_assets(uow, actor, hits, conditions)
    first = {each.asset_id: each.embedding_id for each in reversed(near)}
    ranked = fuse([each.asset_id for each in near], [key for key in hits if key in kept])
    shown = [{"asset_id": key, "embedding_id": first.get(key), "score": score} for key, score in ranked]
    return {"data": shown[: values["limit"]]}


@blueprint.route("/search/by-image", methods=["POST"])
@describe(
    "Find assets that look like a picture",
    FILENAME,
    query("limit", "integer", "How many at most", default=_DEFAULT_FOUND, minimum=1, maximum=MOST_SIMILAR),
    **takes_file(),
)
@signed_in(Permission.READ_ASSET, Permission.READ_EMBEDDING)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=AlikeSchema, description="What was found (Prefer: wait)")
def find_by_image(uow: UnitOfWork, actor: Actor) -> Response:
    """Take in a picture; a task looks at it and answers by its result: `data`, the best first."""
    limit = _read_limit()
    received = receive_upload()
    with discarded_on_error(received):
        payload = SearchByImage(
            pieces=received.pieces, filename=received.filename, limit=limit
        )  # fmt: skip
        task = submit_upload(uow, actor, received, SEARCH_BY_IMAGE, payload, None, "Search by image")
    return accepted(uow, actor, task, _show_found)


def _read_limit() -> int:
    text = request.args.get("limit", str(_DEFAULT_FOUND))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_SIMILAR):
        raise InvalidInput(f"limit: must be a whole number from 1 to {MOST_SIMILAR}")
    return int(text)


def _show_found(uow: UnitOfWork, actor: Actor, task: Task) -> Response:
    require_success(task)
    return jsonify(_ALIKE.dump(task.result))


@blueprint.route("/similarity-index/rebuild", methods=["POST"])
@signed_in(Permission.UPDATE_ASSET)
@blueprint.response(204)
def rebuild_indexes(uow: UnitOfWork, actor: Actor) -> Response:
    """Have the indexes of vectors made anew, by a task."""
    tasks.submit(
        uow, INDEX_VECTORS, IndexVectors(anew=True), space_id=actor.space_id, title="Make indexes of vectors anew",
        actor=actor, max_attempts=platform().settings.task_max_attempts,
    )  # fmt: skip
    uow.commit()
    return Response(status=204)
