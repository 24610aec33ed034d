"""What is like something else: assets by their fingerprints, embeddings by their vectors."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from models.bodies.fields import AnswerSchema, RequestSchema
from models.messages import INDEX_VECTORS
from models.payloads import IndexVectors
from models.permissions import Actor, Permission
from models.services import tasks
from models.services.embeddings import MOST_DIMENSIONS
from models.services.similarity import (
    DEFAULT_THRESHOLD,
    MOST_SIMILAR,
    Sought,
    similar_assets,
    similar_embeddings,
)
from models.services.vector_keys import FINGERPRINTS
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint
from web.state import platform

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

    @validates_schema
    def _require_one(self, values: Values, **_: Any) -> None:
        given = [name for name in ("vector", "embedding_id", "asset_id") if values.get(name) is not None]
        if len(given) != 1:
            raise ValidationError("Give one of vector, embeddingUuid and assetUuid")


class SimilarEmbeddingSchema(AnswerSchema):
    """An embedding that is near."""

    embedding_id = fields.UUID(data_key="embeddingUuid")
    asset_id = fields.UUID(data_key="assetUuid")
    score = fields.Float()


class SimilarEmbeddingsSchema(AnswerSchema):
    """Embeddings, best first."""

    data = fields.List(fields.Nested(SimilarEmbeddingSchema))


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
    return {"data": similar_embeddings(uow, actor, sought, values["limit"], values.get("threshold"))}


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
