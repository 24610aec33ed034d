"""The same done to many assets: to all that a filter chooses, or to those that are listed."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response, request
from marshmallow import ValidationError, fields, validate, validates_schema

from models.bodies.asset_filters import BLACKLIST_CHOICES, asset_filters, blacklist_conditions
from models.bodies.asset_requests import AssetUpdateSchema
from models.bodies.fields import Flag, RequestSchema, Text
from models.bodies.filters import read_filters
from models.bodies.taggings import TaggingsSchema
from models.messages import CHANGE_CHOSEN
from models.payloads import ChangeChosen
from models.permissions import Actor, Permission
from models.services import tasks
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, show_task
from web.auth import signed_in
from web.blueprints import LoomBlueprint
from web.state import platform
from web.task_bodies import TaskSchema

_MOST_UUIDS = 10_000
_MOST_TERMS = 100
_TITLES = {"update": "Change chosen assets", "tag": "Tag chosen assets", "delete": "Delete chosen assets"}
Values = dict[str, Any]

blueprint = LoomBlueprint("asset-choices", "The same done to many assets")


class ChoiceSchema(RequestSchema):
    """Which assets are meant: by a filter or by a list, never all of them by mistake."""

    filter = fields.List(
        Text(shortest=1, longest=4096),
        validate=validate.Length(max=_MOST_TERMS),
        load_default=list,
        metadata={"description": "Terms key[operator]=value, as lists of assets know them; all must hold"},
    )
    uuids = fields.List(fields.UUID(), validate=validate.Length(max=_MOST_UUIDS), load_default=list)
    blacklisted = fields.String(validate=validate.OneOf(BLACKLIST_CHOICES), load_default="exclude")
    dry_run = Flag(
        data_key="dryRun", load_default=False, metadata={"description": "Only count the assets; see the task's result"}
    )

    @validates_schema
    def require_choice(self, values: Values, **_: Any) -> None:
        """Something must be chosen by."""
        if not values.get("filter") and not values.get("uuids"):
            raise ValidationError({"filter": ["Give a filter, or uuids."]})


class ChosenUpdateSchema(ChoiceSchema):
    """What to change about them."""

    update = fields.Nested(AssetUpdateSchema, required=True)


class ChosenTaggingsSchema(ChoiceSchema, TaggingsSchema):
    """Tags to put on them and to take off."""


_CHOICE = frozenset(field.data_key or name for name, field in ChoiceSchema().fields.items())


@blueprint.route("/assets/bulk/change", methods=["POST"])
@signed_in(Permission.UPDATE_ASSET)
@blueprint.arguments(ChosenUpdateSchema)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=TaskSchema, description="The task, at its end (Prefer: wait)")
def change_chosen(uow: UnitOfWork, actor: Actor, values: Values) -> Response:
    """Change all assets that are chosen."""
    return _submit(uow, actor, values, "update", _body()["update"])


@blueprint.route("/assets/bulk/tag", methods=["POST"])
@signed_in(Permission.READ_ASSET)
@blueprint.arguments(ChosenTaggingsSchema)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=TaskSchema, description="The task, at its end (Prefer: wait)")
def tag_chosen(uow: UnitOfWork, actor: Actor, values: Values) -> Response:
    """Put tags on all assets that are chosen, and take others off; needs TAG_ASSET and UNTAG_ASSET for what it does."""
    return _submit(uow, actor, values, "tag", {name: value for name, value in _body().items() if name not in _CHOICE})


@blueprint.route("/assets/bulk/delete", methods=["POST"])
@signed_in(Permission.DELETE_ASSET)
@blueprint.arguments(ChoiceSchema)
@blueprint.response(202, TaskSchema)
@blueprint.alt_response(200, schema=TaskSchema, description="The task, at its end (Prefer: wait)")
def delete_chosen(uow: UnitOfWork, actor: Actor, values: Values) -> Response:
    """Delete all assets that are chosen; files in pools stay."""
    return _submit(uow, actor, values, "delete", {})


def _body() -> Values:
    """Give the body as it was sent: the worker reads it by the same schema."""
    body: Values = request.get_json()
    return body


def _submit(
    uow: UnitOfWork, actor: Actor, values: Values, action: Literal["update", "tag", "delete"], body: Values
) -> Response:  # fmt: skip
    read_filters(values["filter"], asset_filters(actor))
    blacklist_conditions(actor, values["blacklisted"])
    payload = ChangeChosen(
        action=action,
        filter=tuple(values["filter"]),
        uuids=tuple(values["uuids"]),
        blacklisted=values["blacklisted"],
        dry_run=values["dry_run"],
        body=body,
    )
    task = tasks.submit(
        uow,
        CHANGE_CHOSEN,
        payload,
        space_id=actor.space_id,
        title=_TITLES[action],
        max_attempts=platform().settings.task_max_attempts,
        actor=actor,
    )
    uow.commit()
    return accepted(uow, actor, task, show_task)
