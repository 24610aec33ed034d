"""Clusters of embeddings: found by a task, confirmed or rejected by people, who say which person they are."""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from marshmallow import fields, validate
from sqlalchemy import select

from models.bodies.fields import AnswerSchema, ChangeSchema, ElementSchema, Instant, Meta, Name, RequestSchema, Text
from models.bodies.filters import audit_filters, enum_filter, text_filter, uuid_filter
from models.entities import Cluster, ClusterMember, Embedding, Review
from models.messages import FIND_CLUSTERS
from models.payloads import FindClusters
from models.permissions import Actor, Permission, Verb
from models.services import clusters, tasks
from models.services.assets import require_readable
from models.services.clusters import CLUSTERS
from models.services.paging import PageRequest
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, show_task
from web.auth import signed_in
from web.blueprints import describe, query
from web.crud import CrudSpec, Operation, crud_blueprint, element_answer, list_answer
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, raw_envelope, read_cursor, read_limit, read_page
from web.preconditions import require_match
from web.sparse import FIELDS_PARAMETER
from web.state import platform
from web.task_bodies import TaskSchema

Values = dict[str, Any]
_MOST_GIVEN = 10_000
_STATUS, _TYPE = enum_filter(Cluster.review_status, Review), text_filter(Cluster.type)


class ClusterSchema(ElementSchema):
    """Embeddings that lie close together."""

    name = fields.String()
    type = fields.String()
    model = fields.String()
    review_status = fields.String(data_key="reviewStatus")
    person_id = fields.UUID(data_key="personUuid")
    reviewed = Instant(data_key="reviewedAt")
    reviewer_id = fields.UUID(data_key="reviewerUuid")
    asset_id = fields.UUID(data_key="assetUuid", metadata={"description": "That of the embedding in the middle"})
    cluster_index = fields.Integer(data_key="clusterIndex")
    score = fields.Float(metadata={"description": "Mean cosine to the middle"})
    node_kind = fields.String(data_key="nodeKind")
    member_count = fields.Integer(data_key="memberCount")


class ClusterCreateSchema(RequestSchema):
    """A cluster to be made by hand."""

    name = Name(allow_none=True)
    type = Name(required=True)
    model = Text(longest=255, allow_none=True)
    embedding_ids = fields.List(
        fields.UUID(), data_key="embeddingUuids", load_default=list, validate=validate.Length(max=_MOST_GIVEN)
    )
    meta = Meta()


class ClusterUpdateSchema(ChangeSchema):
    """What can be changed of a cluster."""

    name = Text(longest=255)
    type = Name()
    meta = Meta()


class ConfirmSchema(RequestSchema):
    """Who that is: a person who is known, one who is described, or nobody."""

    person_id = fields.UUID(data_key="personUuid")
    alias = Text(longest=255)
    firstname = Text(longest=255)
    lastname = Text(longest=255)
    name = Text(longest=255, metadata={"description": "Of the cluster"})


class ClusterMemberSchema(AnswerSchema):
    """An embedding in a cluster."""

    embedding_id = fields.UUID(data_key="embeddingUuid")
    asset_id = fields.UUID(data_key="assetUuid")
    score = fields.Float(metadata={"description": "Cosine to the middle"})
    area = fields.Dict()
    frame_number = fields.Integer(data_key="frameNumber")


class FindClustersSchema(RequestSchema):
    """Which embeddings to look at."""

    type = Name(required=True)
    model = Name()
    least_cosine = fields.Float(
        data_key="leastCosine", validate=validate.Range(0, 1, min_inclusive=False),
        metadata={"description": "So near must a member be to the middle; 0.6 if not said"},
    )  # fmt: skip
    least_members = fields.Integer(data_key="leastMembers", strict=True, validate=validate.Range(2, 1_000_000))


CLUSTER_SPEC = CrudSpec(
    path="/clusters",
    resource=CLUSTERS,
    description="Embeddings that lie close together, such as faces",
    answer=ClusterSchema,
    create_body=ClusterCreateSchema,
    update_body=ClusterUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "name": text_filter(Cluster.name),
            "type": _TYPE,
            "status": _STATUS,
            "person": uuid_filter(Cluster.person_id),
            **audit_filters(Cluster),
        },
    ),
    operations=frozenset(Operation) - {Operation.LIST},
    create=clusters.create_cluster,
    complete=clusters.count_members,
)
SCHEMA = ClusterSchema()
_ELEMENT = CLUSTER_SPEC.element_path

blueprint = crud_blueprint(CLUSTER_SPEC)


@blueprint.route("/clusters", methods=["GET"])
@describe(
    "List clusters",
    *PAGE_PARAMETERS,
    query("status", "string", "Only these: PENDING, CONFIRMED or REJECTED"),
    query("type", "string", "Only of embeddings of this type"),
    FIELDS_PARAMETER,
)
@signed_in(Permission.READ_CLUSTER)
@blueprint.response(200, page_schema(ClusterSchema))
def list_clusters(uow: UnitOfWork, actor: Actor) -> Response:
    """Give a page of clusters."""
    wanted = read_page(CLUSTER_SPEC.listing)
    for name, rule in (("status", _STATUS), ("type", _TYPE)):
        if text := request.args.get(name):
            wanted = wanted.where(rule("eq", text))
    return answer_clusters(uow, actor, wanted)


def answer_clusters(uow: UnitOfWork, actor: Actor, wanted: PageRequest) -> Response:
    """Give a page of clusters."""
    return list_answer(uow, actor, SCHEMA, CLUSTER_SPEC.page(uow, actor, wanted), wanted)


@blueprint.route("/clusters/find", methods=["POST"])
@signed_in(Permission.CREATE_CLUSTER, Permission.READ_ASSET, Permission.READ_EMBEDDING)
@blueprint.arguments(FindClustersSchema)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=TaskSchema, description="The task, at its end (Prefer: wait)")
def find(uow: UnitOfWork, actor: Actor, values: Values) -> Response:
    """Put all embeddings of a type into clusters, by a task; those that are confirmed gain what is near to them."""
    task = tasks.submit(
        uow, FIND_CLUSTERS, FindClusters(**values), space_id=actor.space_id, title=f"Find clusters: {values['type']}",
        actor=actor, max_attempts=platform().settings.task_max_attempts,
    )  # fmt: skip
    uow.commit()
    return accepted(uow, actor, task, show_task)


@blueprint.route(f"{_ELEMENT}/members", methods=["GET"])
@describe("List the embeddings in a cluster", *PAGE_PARAMETERS[:2])
@signed_in(Permission.READ_CLUSTER, Permission.READ_EMBEDDING)
@blueprint.response(200, page_schema(ClusterMemberSchema))
def list_members(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Give a page of members."""
    wanted = PageRequest(read_limit(), read_cursor())
    members, total = clusters.members_of(uow, actor, element_id, wanted)
    bodies = ClusterMemberSchema(many=True).dump(members)
    return jsonify(raw_envelope(bodies, total, wanted.limit, *(each.embedding_id for each in members[-1:])))


@blueprint.route(f"{_ELEMENT}/confirm", methods=["POST"])
@signed_in(Permission.UPDATE_CLUSTER)
@blueprint.arguments(ConfirmSchema)
@blueprint.response(200, ClusterSchema)
def confirm(uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID) -> Response:
    """Say that a cluster is one thing, and who that is."""
    cluster = _hold(uow, actor, element_id)
    clusters.confirm(uow, actor, cluster, values)
    return _committed(uow, actor, cluster)


@blueprint.route(f"{_ELEMENT}/reject", methods=["POST"])
@signed_in(Permission.UPDATE_CLUSTER)
@blueprint.response(200, ClusterSchema)
def reject(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Say that a cluster is nothing; it is not proposed again."""
    cluster = _hold(uow, actor, element_id)
    clusters.reject(uow, actor, cluster)
    return _committed(uow, actor, cluster)


@blueprint.route(f"{_ELEMENT}/person", methods=["DELETE"])
@signed_in(Permission.UPDATE_CLUSTER)
@blueprint.response(204)
def forget_person(uow: UnitOfWork, actor: Actor, element_id: UUID) -> ResponseReturnValue:
    """Say that it is not known who that is."""
    clusters.forget_person(uow, actor, _hold(uow, actor, element_id))
    uow.commit()
    return "", 204


@blueprint.route("/assets/<uuid:asset_id>/clusters", methods=["GET"])
@describe("List the clusters with an embedding of an asset", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_ASSET, Permission.READ_CLUSTER)
@blueprint.response(200, page_schema(ClusterSchema))
def list_asset_clusters(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """Give a page of clusters."""
    require_readable(uow, actor, asset_id)
    held = select(ClusterMember.cluster_id).join(Embedding, Embedding.id == ClusterMember.embedding_id)
    held = held.where(Embedding.asset_id == asset_id)
    return answer_clusters(uow, actor, read_page(CLUSTER_SPEC.listing).where(Cluster.id.in_(held)))


def _hold(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Cluster:
    cluster = CLUSTERS.get(uow, actor, element_id, Verb.UPDATE, lock=True)
    require_match(cluster)
    return cluster


def _committed(uow: UnitOfWork, actor: Actor, cluster: Cluster) -> Response:
    uow.commit()
    return element_answer(uow, actor, SCHEMA, CLUSTER_SPEC.completed(uow, actor, cluster))
