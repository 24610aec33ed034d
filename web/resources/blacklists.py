"""The blacklist. Plain, but that an entry can be made of an asset, and that reviews are counted."""

from __future__ import annotations

from operator import attrgetter
from uuid import UUID

from flask import Response
from marshmallow import fields

from models.bodies.fields import ChangeSchema, ElementSchema, Meta, RequestSchema, Sha512, Text
from models.bodies.filters import audit_filters, sha512_filter, text_filter, uuid_filter
from models.entities import Blacklist
from models.permissions import Actor, Permission, Verb
from models.services import blacklists
from models.services.blacklists import BLACKLISTS
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.crud import CrudSpec, crud_blueprint, element_answer
from web.pagination import Listing
from web.preconditions import require_match


class BlacklistSchema(ElementSchema):
    """A content that is not wanted. `type` is the reason, `reviewCount` how often somebody looked at it again."""

    name = fields.String()
    type = fields.String()
    sha512 = fields.String()
    asset_id = fields.UUID(data_key="assetUuid")
    review_count = fields.Integer(data_key="reviewCount")


class BlacklistCreateSchema(RequestSchema):
    """A content to be blacklisted: by `sha512`, by `assetUuid`, or by both if they agree."""

    name = Text(longest=255, allow_none=True)
    type = Text(longest=64, allow_none=True)
    sha512 = Sha512(allow_none=True)
    asset_id = fields.UUID(data_key="assetUuid", allow_none=True)
    meta = Meta()


class BlacklistUpdateSchema(ChangeSchema):
    """What can be changed of an entry."""

    name = Text(longest=255)
    type = Text(longest=64)
    sha512 = Sha512()
    asset_id = fields.UUID(data_key="assetUuid")
    meta = Meta()


BLACKLIST_SPEC = CrudSpec(
    path="/blacklists",
    resource=BLACKLISTS,
    description="Contents that are refused and left out of lists",
    answer=BlacklistSchema,
    create_body=BlacklistCreateSchema,
    update_body=BlacklistUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited"), "sha512": attrgetter("sha512")},
        filters={
            "name": text_filter(Blacklist.name),
            "type": text_filter(Blacklist.type),
            "sha512": sha512_filter(Blacklist.sha512),
            "asset": uuid_filter(Blacklist.asset_id),
            **audit_filters(Blacklist),
        },
    ),
    create=blacklists.create_entry,
    update=blacklists.update_entry,
    delete=blacklists.delete_entry,
)
_SCHEMA = BlacklistSchema()

blueprint = crud_blueprint(BLACKLIST_SPEC)


@blueprint.route(f"{BLACKLIST_SPEC.element_path}/review", methods=["POST"])
@signed_in(Permission.UPDATE_BLACKLIST)
@blueprint.response(200, BlacklistSchema)
def review(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Count that somebody has looked at the entry again."""
    entry = BLACKLISTS.get(uow, actor, element_id, Verb.UPDATE, lock=True)
    require_match(entry)
    blacklists.count_review(uow, actor, entry)
    uow.commit()
    return element_answer(uow, actor, _SCHEMA, entry)
