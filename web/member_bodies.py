"""Bodies of requests about the members of libraries and collections."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from marshmallow import ValidationError, fields, validate, validates_schema

from models.bodies.fields import RequestSchema, Whole
from models.services.members import Added
from models.services.positions import Placement

_MOST = 10_000
_PLACES = ("after", "before", "position")


class MemberSchema(RequestSchema):
    """An asset to be added."""

    asset_id = fields.UUID(data_key="assetUuid", required=True)


class MembersSchema(RequestSchema):
    """Assets to be added."""

    asset_ids = fields.List(fields.UUID(), data_key="assetUuids", required=True, validate=validate.Length(max=_MOST))


class OrderSchema(RequestSchema):
    """Where assets go in a collection: at the end, unless one of these says something else."""

    after = fields.UUID(allow_none=True, metadata={"description": "Behind this asset of the collection"})
    before = fields.UUID(allow_none=True, metadata={"description": "Before this asset of the collection"})
    position = Whole(
        least=0, allow_none=True, metadata={"description": "Behind so many assets: 0 is the first place of all"}
    )

    @validates_schema
    def require_one(self, values: dict[str, Any], **_: Any) -> None:
        """Two places could contradict each other."""
        given = [name for name in _PLACES if values.get(name) is not None]
        if len(given) > 1:
            raise ValidationError({given[1]: [f"Cannot be given together with {given[0]}."]})


class PlacedMemberSchema(OrderSchema, MemberSchema):
    """An asset to be added to a collection, or to be moved in it."""


class MoveSchema(OrderSchema):
    """Assets of a collection that are to stand next to each other, in this order."""

    asset_ids = fields.List(
        fields.UUID(), data_key="assetUuids", required=True, validate=validate.Length(min=1, max=_MOST)
    )


class AddedSchema(RequestSchema):
    """How many different assets were asked for, how many are new members, and which the caller sees none of."""

    total = fields.Integer()
    added = fields.Integer()
    failed = fields.Integer()
    failed_ids = fields.List(fields.UUID(), data_key="failedUuids")


def placement(values: dict[str, Any]) -> Placement:
    """Read where assets go."""
    return Placement(values.get("after"), values.get("before"), values.get("position"))


def added_answer(outcome: Added) -> Response:
    """Tell what became of a request to add several assets."""
    return jsonify(
        total=outcome.total, added=outcome.added, failed=len(outcome.failed), failedUuids=list(outcome.failed)
    )
