"""Groups. All plain, but that removing one changes what its users may do. Their members are in `memberships.py`."""

from __future__ import annotations

from operator import attrgetter

from marshmallow import fields

from models.bodies.fields import ChangeSchema, ElementSchema, Meta, Name, RequestSchema
from models.bodies.filters import audit_filters, text_filter
from models.entities import Group
from models.services.groups import GROUPS, delete_group
from web.crud import CrudSpec, crud_blueprint
from web.pagination import Listing


class GroupSchema(ElementSchema):
    """Some users, who have the same roles."""

    name = fields.String()


class GroupCreateSchema(RequestSchema):
    """A group to be made."""

    name = Name(required=True)
    meta = Meta()


class GroupUpdateSchema(ChangeSchema):
    """What can be changed of a group."""

    name = Name()
    meta = Meta()


GROUP_SPEC = CrudSpec(
    path="/groups",
    resource=GROUPS,
    description="Groups of users",
    answer=GroupSchema,
    create_body=GroupCreateSchema,
    update_body=GroupUpdateSchema,
    listing=Listing(
        sorts={"name": attrgetter("name"), "created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "name": text_filter(Group.name),
            **audit_filters(Group),
        },
    ),
    delete=delete_group,
)

blueprint = crud_blueprint(GROUP_SPEC)
