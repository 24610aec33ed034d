"""Roles. What they grant everywhere is their `permissions`; `/roles/{uuid}/permissions` has all grants one by one.

A grant's `resource` is `all`, `library/<uuid>` or `collection/<uuid>`.
"""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError, fields

from models.bodies.fields import (
    AnswerSchema,
    ChangeSchema,
    Constant,
    ElementSchema,
    Meta,
    Name,
    Permissions,
    RequestSchema,
)
from models.bodies.filters import audit_filters, text_filter
from models.entities import Role
from models.ids import parse_uuid
from models.permissions import Actor, Permission
from models.services import role_grants, roles
from models.services.role_grants import EVERYWHERE, Grant, Target
from models.services.roles import ROLES
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe
from web.crud import CrudSpec, crud_blueprint
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, raw_envelope, read_page

_HEX = "[0-9a-fA-F]"
_RESOURCE = re.compile(rf"(library|collection)/({_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}})")


class RoleSchema(ElementSchema):
    """What its holders may do."""

    name = fields.String()
    permissions = Permissions()


class RoleCreateSchema(RequestSchema):
    """A role to be made."""

    name = Name(required=True)
    permissions = Permissions()
    meta = Meta()


class RoleUpdateSchema(ChangeSchema):
    """What can be changed of a role. `permissions` replaces all of them; an empty list revokes all."""

    name = Name()
    permissions = Permissions()
    meta = Meta()


class TargetField(fields.Field[Target | None]):
    """A library or a collection; None: everywhere."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Target | None:
        if value == EVERYWHERE:
            return None
        match = _RESOURCE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValidationError("Not of the form all, library/<uuid> or collection/<uuid>.")
        return Target(match[1], parse_uuid(match[2]))


class GrantCreateSchema(RequestSchema):
    """A permission to be granted; without a resource, everywhere."""

    permission = Constant(Permission, required=True)
    resource = TargetField(load_default=None, metadata={"type": "string"})


def _spell_resource(grant: Grant) -> str:
    return f"{grant.target.kind}/{grant.target.id}" if grant.target else EVERYWHERE


class GrantSchema(AnswerSchema):
    """A permission that is granted."""

    uuid = fields.UUID(attribute="id")
    permission = fields.String()
    resource = fields.Function(_spell_resource, metadata={"type": "string"})


ROLE_SPEC = CrudSpec(
    path="/roles",
    resource=ROLES,
    description="Roles: sets of permissions, which groups have",
    answer=RoleSchema,
    create_body=RoleCreateSchema,
    update_body=RoleUpdateSchema,
    listing=Listing(
        sorts={"name": attrgetter("name"), "created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "name": text_filter(Role.name),
            **audit_filters(Role),
        },
    ),
    create=roles.create_role,
    update=roles.update_role,
    delete=roles.delete_role,
)
_GRANT = GrantSchema()

blueprint = crud_blueprint(ROLE_SPEC)


@blueprint.route(f"{ROLE_SPEC.element_path}/permissions", methods=["GET"])
@describe("List what a role grants", *PAGE_PARAMETERS)
@signed_in(Permission.READ_ROLE)
@blueprint.response(200, page_schema(GrantSchema))
def list_grants(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """List grants."""
    request = read_page(Listing())
    grants, total = role_grants.list_grants(uow, actor, element_id, request)
    bodies = [_GRANT.dump(grant) for grant in grants]
    return jsonify(raw_envelope(bodies, total, request.limit, grants[-1].id if grants else None))


@blueprint.route(f"{ROLE_SPEC.element_path}/permissions", methods=["POST"])
@signed_in(Permission.UPDATE_ROLE)
@blueprint.arguments(GrantCreateSchema)
@blueprint.response(201, GrantSchema)
@blueprint.alt_response(200, schema=GrantSchema)
def add_grant(uow: UnitOfWork, actor: Actor, values: dict[str, Any], element_id: UUID) -> Response:
    """Let a role grant a permission everywhere, or for a library or a collection; 200 if it does so already."""
    grant, is_new = role_grants.add_grant(uow, actor, element_id, values["permission"], values["resource"])
    uow.commit()
    answer = jsonify(_GRANT.dump(grant))
    answer.status_code = 201 if is_new else 200
    return answer


@blueprint.route(f"{ROLE_SPEC.element_path}/permissions/<uuid:grant_id>", methods=["DELETE"])
@signed_in(Permission.UPDATE_ROLE)
@blueprint.response(204)
def remove_grant(uow: UnitOfWork, actor: Actor, element_id: UUID, grant_id: UUID) -> ResponseReturnValue:
    """Let a role no longer grant that."""
    role_grants.remove_grant(uow, actor, element_id, grant_id)
    uow.commit()
    return "", 204
