"""Groups of duplicates: found by a task, decided about by people, acted on by another task."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import ColumnElement, select

from models.bodies.fields import AnswerSchema, ChangeSchema, Constant, ElementSchema, Flag, Meta, Name, RequestSchema
from models.bodies.filters import audit_filters, enum_filter, text_filter, uuid_filter
from models.entities import DedupGroup, DedupMember, Review
from models.errors import InvalidInput
from models.messages import APPLY_DUPLICATES, FIND_DUPLICATES
from models.payloads import ApplyDuplicates, FindDuplicates
from models.permissions import Actor, Permission
from models.services import dedup, tasks
from models.services.dedup import DEDUPS
from models.services.pools import folder_below
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, show_task
from web.auth import signed_in
from web.crud import CrudSpec, Operation, crud_blueprint, element_answer
from web.pagination import Listing
from web.state import platform
from web.task_bodies import TaskSchema

Values = dict[str, Any]
_MOST_MEMBERS = 1000
_SCORE = validate.Range(0, 1)


class DedupMemberSchema(AnswerSchema):
    """One of those that may be the same. Among copies of one content it is the place that counts."""

    asset_id = fields.UUID(data_key="assetUuid")
    location_id = fields.UUID(data_key="locationUuid")
    role = fields.String(metadata={"description": "KEEP or DUP"})
    score = fields.Float(metadata={"description": "How like it is to what is kept (0 - 1)"})
    size = fields.Integer(metadata={"description": "In bytes, when the group was made"})


class DedupGroupSchema(ElementSchema):
    """Some that may be the same."""

    algorithm = fields.String()
    review_status = fields.String(data_key="reviewStatus")
    score = fields.Float(metadata={"description": "That of the member that is least like what is kept"})
    keep_asset_id = fields.UUID(data_key="keepAssetUuid")
    members = fields.List(fields.Nested(DedupMemberSchema))


class NewMemberSchema(RequestSchema):
    """A member of a group to be proposed."""

    asset_id = fields.UUID(data_key="assetUuid", required=True)
    score = fields.Float(validate=_SCORE, load_default=1.0)


class DedupGroupCreateSchema(RequestSchema):
    """A group to be proposed; what is kept is one of the members."""

    algorithm = Name(required=True)
    keep_asset_id = fields.UUID(data_key="keepAssetUuid", required=True)
    members = fields.List(
        fields.Nested(NewMemberSchema), required=True, validate=validate.Length(2, _MOST_MEMBERS)
    )  # fmt: skip
    meta = Meta()


class DedupGroupUpdateSchema(ChangeSchema):
    """A decision about a group."""

    review_status = Constant(Review, data_key="reviewStatus")
    keep_asset_id = fields.UUID(data_key="keepAssetUuid")
    keep_location_id = fields.UUID(data_key="keepLocationUuid")
    meta = Meta()


class FindDuplicatesSchema(RequestSchema):
    """What to look for."""

    algorithms = fields.List(
        fields.String(validate=validate.OneOf(["EXACT", "IMAGE", "VIDEO"])), validate=validate.Length(1, 3),
        metadata={"description": "All of them, if not said"},
    )  # fmt: skip
    most_bits = fields.Integer(
        data_key="mostBits", strict=True, validate=validate.Range(0, 48),
        metadata={"description": "So many of the 128 bits of two pictures may differ; 26 if not said"},
    )  # fmt: skip
    least_share = fields.Float(
        data_key="leastShare", validate=validate.Range(0, 1, min_inclusive=False),
        metadata={"description": "So great a share of the frames of two films must be alike; 0.5 if not said"},
    )  # fmt: skip


class ApplyDuplicatesSchema(RequestSchema):
    """What to do about groups that are confirmed."""

    group_ids = fields.List(fields.UUID(), data_key="groupUuids", validate=validate.Length(1, 10_000))
    action = fields.String(
        validate=validate.OneOf(["MOVE", "TAG"]), load_default="MOVE",
        metadata={"description": "MOVE the files of duplicates to a folder of their pool, or TAG the assets"},
    )  # fmt: skip
    folder = fields.String(validate=validate.Length(1, 1024), load_default="duplicates")
    tag = Name(load_default="duplicate")
    dry_run = Flag(data_key="dryRun", load_default=False)


def _with(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return DedupGroup.id.in_(select(DedupMember.group_id).where(condition))


DEDUP_SPEC = CrudSpec(
    path="/dedup-groups",
    resource=DEDUPS,
    description="Duplicates, for people to decide about",
    answer=DedupGroupSchema,
    create_body=DedupGroupCreateSchema,
    update_body=DedupGroupUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited"), "score": attrgetter("score")},
        filters={
            "status": enum_filter(DedupGroup.review_status, Review),
            "algorithm": text_filter(DedupGroup.algorithm),
            "asset": lambda operation, text: _with(uuid_filter(DedupMember.asset_id)(operation, text)),
            **audit_filters(DedupGroup),
        },
    ),
    operations=frozenset({Operation.LIST, Operation.LOAD, Operation.UPDATE, Operation.DELETE}),
    update=dedup.decide,
    complete=dedup.show_members,
)
_SCHEMA = DedupGroupSchema()

blueprint = crud_blueprint(DEDUP_SPEC)


@blueprint.route("/dedup-groups", methods=["POST"])
@signed_in(Permission.CREATE_DEDUP)
@blueprint.arguments(DedupGroupCreateSchema)
@blueprint.response(201, DedupGroupSchema)
@blueprint.alt_response(200, schema=DedupGroupSchema, description="The same members were decided about before")
def propose(uow: UnitOfWork, actor: Actor, values: Values) -> Response:
    """Propose a group. It takes the place of a pending one about what is kept; what was decided stays decided."""
    group, is_new = dedup.create_group(uow, actor, values)
    if is_new:
        uow.commit()
    return element_answer(uow, actor, _SCHEMA, DEDUP_SPEC.completed(uow, actor, group), 201 if is_new else 200)


@blueprint.route("/dedup-groups/find", methods=["POST"])
@signed_in(Permission.CREATE_DEDUP, Permission.READ_ASSET)
@blueprint.arguments(FindDuplicatesSchema)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=TaskSchema, description="The task, at its end (Prefer: wait)")
def find(uow: UnitOfWork, actor: Actor, values: Values) -> Response:
    """Look for duplicates in all of the space, by a task."""
    return _submit(uow, actor, FIND_DUPLICATES, FindDuplicates(**values), "Find duplicates")


@blueprint.route("/dedup-groups/apply", methods=["POST"])
@signed_in(Permission.UPDATE_DEDUP, Permission.READ_ASSET)
@blueprint.arguments(ApplyDuplicatesSchema)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=TaskSchema, description="The task, at its end (Prefer: wait)")
def apply(uow: UnitOfWork, actor: Actor, values: Values) -> Response:
    """Move or tag the duplicates in groups that are confirmed, by a task that looks at the files again first."""
    actor.require(Permission.UPDATE_ASSET_LOCATION if values["action"] == "MOVE" else Permission.TAG_ASSET)
    values["folder"] = folder_below(values["folder"])
    if not values["folder"]:
        raise InvalidInput("folder: is the root of the pool; name one below it")
    payload = ApplyDuplicates(group_uuids=tuple(values.pop("group_ids", ())), **values)
    return _submit(uow, actor, APPLY_DUPLICATES, payload, "Act on duplicates")


def _submit(uow: UnitOfWork, actor: Actor, kind: Any, payload: Any, title: str) -> Response:
    task = tasks.submit(
        uow, kind, payload, space_id=actor.space_id, title=title, actor=actor,
        max_attempts=platform().settings.task_max_attempts,
    )  # fmt: skip
    uow.commit()
    return accepted(uow, actor, task, show_task)
