"""Spaces. Making, changing and removing them is for operators; everybody sees those that they may act in.

So listing and loading need no permission. Which folders its pools may lie in is not told to everybody.
`GET /spaces/{uuid}/libraries` and `/collections` list what is in a space. Each stays in its space: its assets, which
are catalogued once a space, would not come along. So nothing can be taken out (there is no DELETE), and putting in
succeeds only for what is there already. `/spaces/{uuid}/users` is in `memberships.py`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from marshmallow import ValidationError, fields

from models.bodies.fields import ChangeSchema, ElementSchema, Meta, Name, RequestSchema, Text
from models.bodies.filters import audit_filters, text_filter
from models.entities import Space
from models.errors import InvalidInput
from models.paths import decode_path
from models.permissions import Actor, Permission
from models.services import spaces
from models.services.audit import name_users
from models.services.collections import COLLECTIONS
from models.services.libraries import LIBRARIES
from models.services.spaces import SPACES
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe
from web.crud import EVERYTHING, CrudSpec, Operation, crud_blueprint, element_answer, list_answer, show
from web.pagination import PAGE_PARAMETERS, Listing, envelope, page_schema, read_page
from web.preconditions import etag_of, not_modified
from web.resources.collections import COLLECTION_SPEC, CollectionSchema
from web.resources.libraries import LIBRARY_SPEC, LibrarySchema
from web.sparse import FIELDS_PARAMETER, read_fields

_LONGEST_PATH = 16 * 1024


class FolderField(Text):
    """An absolute path on the server, in the spelling of paths."""

    def __init__(self, **options: Any) -> None:
        super().__init__(shortest=1, longest=_LONGEST_PATH, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text = super()._deserialize(value, attr, data, **options)
        try:
            path = decode_path(text)
        except InvalidInput as error:
            raise ValidationError(str(error)) from None
        if not path.startswith(b"/") or b"\0" in path:
            raise ValidationError("Not an absolute path.")
        return text


class SpaceSchema(ElementSchema):
    """A tenant: libraries, collections, users and all else belong to exactly one."""

    name = fields.String()
    pool_roots = fields.List(
        fields.String(),
        data_key="poolRoots",
        metadata={
            "description": "Folders that its asset pools must lie under. Empty: none, but in `default` anywhere. "
            "Told to operators, and to who may make pools there"
        },
    )


class SpaceCreateSchema(RequestSchema):
    """A space to be made."""

    name = Name(required=True)
    pool_roots = fields.List(FolderField(), data_key="poolRoots")
    meta = Meta()


class SpaceUpdateSchema(ChangeSchema):
    """What can be changed of a space."""

    name = Name()
    pool_roots = fields.List(FolderField(), data_key="poolRoots")
    meta = Meta()


SPACE_SPEC = CrudSpec(
    path="/spaces",
    resource=SPACES,
    description="Spaces: tenants of this Loom",
    answer=SpaceSchema,
    create_body=SpaceCreateSchema,
    update_body=SpaceUpdateSchema,
    listing=Listing(
        sorts={"name": attrgetter("name"), "created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "name": text_filter(Space.name),
            **audit_filters(Space),
        },
    ),
    operations=EVERYTHING - {Operation.LIST, Operation.LOAD},
    create=spaces.create_space,
    update=spaces.update_space,
    delete=spaces.delete_space,
)
_SCHEMA, _OUTLINE = SpaceSchema(), SpaceSchema(exclude=("pool_roots",))

blueprint = crud_blueprint(SPACE_SPEC)


@blueprint.route(SPACE_SPEC.path, methods=["GET"])
@describe("List the spaces that one may act in; for operators, all", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in()
@blueprint.response(200, page_schema(SpaceSchema))
def list_spaces(uow: UnitOfWork, actor: Actor) -> Response:
    """List spaces."""
    request = read_page(SPACE_SPEC.listing)
    pick, page = read_fields(_SCHEMA), SPACES.page(uow, actor, request)
    name_users(uow, actor, page.elements)
    return jsonify(envelope(page, request, [pick(_schema_for(actor, each).dump(each)) for each in page.elements]))


@blueprint.route(SPACE_SPEC.element_path, methods=["GET"])
@describe("Load a space", FIELDS_PARAMETER)
@signed_in()
@blueprint.response(200, SpaceSchema)
def load_space(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Load a space."""
    space = SPACES.read(uow, actor, element_id)
    return not_modified(etag_of(space)) or show(_schema_for(actor, space), space)


def _schema_for(actor: Actor, space: Space) -> SpaceSchema:
    return _SCHEMA if spaces.sees_roots(actor, space) else _OUTLINE


@blueprint.route(f"{SPACE_SPEC.element_path}/libraries", methods=["GET"])
@describe("List the libraries of the space acted in; for operators, of any", *PAGE_PARAMETERS)
@signed_in(Permission.READ_LIBRARY)
@blueprint.response(200, page_schema(LibrarySchema))
def list_space_libraries(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """List libraries."""
    request = read_page(LIBRARY_SPEC.listing)
    page = spaces.libraries_of(uow, actor, element_id, request)
    return list_answer(uow, actor, LibrarySchema(), page, request)


@blueprint.route(f"{SPACE_SPEC.element_path}/libraries/<uuid:library_id>", methods=["POST"])
@signed_in(Permission.READ_LIBRARY)
@blueprint.response(200, SpaceSchema)
def add_space_library(uow: UnitOfWork, actor: Actor, element_id: UUID, library_id: UUID) -> Response:
    """Make sure that a library is in a space; one that is in another does not move (409)."""
    space = spaces.require_in_space(uow, actor, element_id, LIBRARIES, library_id)
    return element_answer(uow, actor, _schema_for(actor, space), space)


@blueprint.route(f"{SPACE_SPEC.element_path}/collections", methods=["GET"])
@describe("List the collections of the space acted in; for operators, of any", *PAGE_PARAMETERS)
@signed_in(Permission.READ_COLLECTION)
@blueprint.response(200, page_schema(CollectionSchema))
def list_space_collections(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """List collections."""
    request = read_page(COLLECTION_SPEC.listing)
    page = spaces.collections_of(uow, actor, element_id, request)
    return list_answer(uow, actor, CollectionSchema(), page, request)


@blueprint.route(f"{SPACE_SPEC.element_path}/collections/<uuid:collection_id>", methods=["POST"])
@signed_in(Permission.READ_COLLECTION)
@blueprint.response(200, SpaceSchema)
def add_space_collection(uow: UnitOfWork, actor: Actor, element_id: UUID, collection_id: UUID) -> Response:
    """Make sure that a collection is in a space; one that is in another does not move (409)."""
    space = spaces.require_in_space(uow, actor, element_id, COLLECTIONS, collection_id)
    return element_answer(uow, actor, _schema_for(actor, space), space)
