"""Libraries: what users browse. Creating and changing are plain; an answer also holds the pools that they span.

Deleting one that very many assets were added to is a task. Their assets are in `library_assets.py`.
"""

from __future__ import annotations

from operator import attrgetter
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import fields, validate

from models.bodies.fields import ChangeSchema, ElementSchema, Meta, Name, RequestSchema, Text
from models.bodies.filters import audit_filters, text_filter
from models.entities import Library
from models.permissions import Actor, Permission, Verb
from models.services import libraries
from models.services.audit import name_users
from models.services.libraries import LIBRARIES, create_library, name_pools, update_library
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, show_task
from web.auth import signed_in
from web.blueprints import describe
from web.crud import CrudSpec, Operation, crud_blueprint, list_answer, show
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, read_page
from web.preconditions import etag_of, not_modified, require_match
from web.sparse import FIELDS_PARAMETER
from web.state import platform
from web.task_bodies import TaskSchema

_MOST_POOLS = 1000
_UPLOADS = {"description": "The pool that uploads belong to; the library spans it, too"}
_SPANNED = {"description": "All pools whose assets are in the library"}


class LibrarySchema(ElementSchema):
    """Some pools and single assets, to be browsed together."""

    name = fields.String()
    description = fields.String()
    pool_id = fields.UUID(data_key="poolUuid", metadata=_UPLOADS)
    pool_ids = fields.List(fields.UUID(), data_key="poolUuids", metadata=_SPANNED)
    storage_type = fields.String(data_key="storageType", validate=validate.OneOf(["filesystem", "s3"]))


class LibraryCreateSchema(RequestSchema):
    """A library to be made."""

    name = Name(required=True)
    description = Text(allow_none=True)
    pool_id = fields.UUID(data_key="poolUuid", allow_none=True, metadata=_UPLOADS)
    pool_ids = fields.List(
        fields.UUID(), data_key="poolUuids", allow_none=True, validate=validate.Length(max=_MOST_POOLS)
    )
    meta = Meta()


class LibraryUpdateSchema(ChangeSchema):
    """What can be changed of a library."""

    name = Name()
    description = Text()
    pool_id = fields.UUID(data_key="poolUuid", metadata=_UPLOADS)
    pool_ids = fields.List(fields.UUID(), data_key="poolUuids", validate=validate.Length(max=_MOST_POOLS))
    meta = Meta()


LIBRARY_SPEC = CrudSpec(
    path="/libraries",
    resource=LIBRARIES,
    description="Libraries: pools and single assets, to be browsed together",
    answer=LibrarySchema,
    create_body=LibraryCreateSchema,
    update_body=LibraryUpdateSchema,
    listing=Listing(
        sorts={"name": attrgetter("name"), "created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "name": text_filter(Library.name),
            **audit_filters(Library),
        },
    ),
    operations=frozenset({Operation.CREATE, Operation.UPDATE, Operation.REPLACE}),
    create=create_library,
    update=update_library,
)
SCHEMA = LibrarySchema()

blueprint = crud_blueprint(LIBRARY_SPEC)


@blueprint.route(LIBRARY_SPEC.path, methods=["GET"])
@describe("List libraries", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_LIBRARY)
@blueprint.response(200, page_schema(LibrarySchema))
def list_libraries(uow: UnitOfWork, actor: Actor) -> Response:
    """List libraries."""
    request = read_page(LIBRARY_SPEC.listing)
    page = LIBRARIES.page(uow, actor, request)
    name_pools(uow, page.elements)
    return list_answer(uow, actor, SCHEMA, page, request)


@blueprint.route(LIBRARY_SPEC.element_path, methods=["GET"])
@describe("Load a library", FIELDS_PARAMETER)
@signed_in(Permission.READ_LIBRARY)
@blueprint.response(200, LibrarySchema)
def load_library(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Load a library."""
    library = LIBRARIES.get(uow, actor, element_id)
    same = not_modified(etag_of(library))
    if same is not None:
        return same
    return library_answer(uow, actor, library)


@blueprint.route(LIBRARY_SPEC.element_path, methods=["DELETE"])
@signed_in(Permission.DELETE_LIBRARY)
@blueprint.response(204)
@blueprint.alt_response(202, schema=TaskSchema)
def delete_library(uow: UnitOfWork, actor: Actor, element_id: UUID) -> ResponseReturnValue:
    """Delete a library; its assets stay."""
    library = LIBRARIES.get(uow, actor, element_id, Verb.DELETE, lock=True)
    require_match(library)
    task = libraries.delete_library(uow, actor, library, platform().settings.task_max_attempts)
    uow.commit()
    return accepted(uow, actor, task, show_task) if task else ("", 204)


def library_answer(uow: UnitOfWork, actor: Actor, library: Library, status: int = 200) -> Response:
    """Show a library with its pools."""
    name_users(uow, actor, [library])
    name_pools(uow, [library])
    return show(SCHEMA, library, status)
