"""The routes of a plain resource, from a description of it.

`crud_blueprint` builds the views that a person would write for it, and nothing else: the only hook is `complete`.
When an operation needs more, it is left out of `operations` and written by hand in the resource's own file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Generic, TypeVar
from uuid import UUID

from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from models.bodies.fields import ChangeSchema, ElementSchema, RequestSchema
from models.db import Audited
from models.errors import InvalidInput
from models.permissions import Actor, Permission, Verb
from models.services.audit import name_users
from models.services.crud import Resource
from models.services.paging import Page, PageRequest
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import LoomBlueprint, describe
from web.pagination import PAGE_PARAMETERS, Listing, envelope, page_schema, read_page
from web.preconditions import etag_of, not_modified, require_match, tagged
from web.sparse import FIELDS_PARAMETER, read_fields

M = TypeVar("M", bound=Audited)
Values = dict[str, Any]


class Operation(Enum):
    """What can be done with the elements of a resource."""

    LIST = auto()
    CREATE = auto()
    LOAD = auto()
    UPDATE = auto()
    REPLACE = auto()
    DELETE = auto()


EVERYTHING = frozenset(Operation)


@dataclass(frozen=True, kw_only=True)
class CrudSpec(Generic[M]):
    """A resource: its path, its bodies, and the functions behind its routes (None: the plain ones)."""

    path: str
    resource: Resource[M]
    description: str
    answer: type[ElementSchema]
    created_answer: type[ElementSchema] | None = None
    """What a creation answers, if that is more than can be read later."""
    create_body: type[RequestSchema]
    update_body: type[ChangeSchema]
    listing: Listing = field(default_factory=Listing)
    operations: frozenset[Operation] = EVERYTHING
    create: Callable[[UnitOfWork, Actor, Values], M] | None = None
    update: Callable[[UnitOfWork, Actor, M, Values], None] | None = None
    delete: Callable[[UnitOfWork, Actor, M], None] | None = None
    complete: Callable[[UnitOfWork, Actor, Sequence[M]], None] | None = None
    """Fills in what is shown of elements besides their rows, for all of a page at once."""

    @property
    def element_path(self) -> str:
        """The path of one element."""
        return f"{self.path}/<uuid:element_id>"

    def needs(self, verb: Verb) -> tuple[Permission, ...]:
        """Give what a view needs; nothing where one may have elements of one's own."""
        return () if self.resource.own else (self.resource.permission(verb),)

    def completed(self, uow: UnitOfWork, actor: Actor, element: M) -> M:
        """Give an element with all that is shown of it."""
        if self.complete:
            self.complete(uow, actor, [element])
        return element

    def page(self, uow: UnitOfWork, actor: Actor, request: PageRequest) -> Page[M]:
        """Give a page of elements with all that is shown of them."""
        page = self.resource.page(uow, actor, request)
        if self.complete:
            self.complete(uow, actor, page.elements)
        return page


def crud_blueprint(spec: CrudSpec[M]) -> LoomBlueprint:
    """Make the routes of a resource."""
    blueprint = LoomBlueprint(spec.path.strip("/"), spec.description)
    for operation, add in _ROUTES.items():
        if operation in spec.operations:
            add(blueprint, spec)
    return blueprint


def element_answer(uow: UnitOfWork, actor: Actor, schema: Schema, element: Audited, status: int = 200) -> Response:
    """Show an element that was just made or changed."""
    name_users(uow, actor, [element])
    return show(schema, element, status)


def list_answer(uow: UnitOfWork, actor: Actor, schema: Schema, page: Page[M], request: PageRequest) -> Response:
    """Show a part of a list."""
    pick = read_fields(schema)
    name_users(uow, actor, page.elements)
    return jsonify(envelope(page, request, [pick(schema.dump(element)) for element in page.elements]))


def show(schema: Schema, element: Audited, status: int = 200) -> Response:
    """Show an element whose users are named, with its ETag."""
    answer = jsonify(read_fields(schema)(schema.dump(element)))
    answer.status_code = status
    return tagged(answer, etag_of(element))


def _add_list(blueprint: LoomBlueprint, spec: CrudSpec[M]) -> None:
    schema = spec.answer()

    @blueprint.route(spec.path, methods=["GET"])
    @describe(f"List {_plural(spec.resource.name)}", *PAGE_PARAMETERS, FIELDS_PARAMETER)
    @signed_in(*spec.needs(Verb.READ))
    @blueprint.response(200, page_schema(spec.answer))
    def list_elements(uow: UnitOfWork, actor: Actor) -> Response:
        request = read_page(spec.listing)
        return list_answer(uow, actor, schema, spec.page(uow, actor, request), request)


def _add_create(blueprint: LoomBlueprint, spec: CrudSpec[M]) -> None:
    schema = (spec.created_answer or spec.answer)()
    create = spec.create or spec.resource.create

    @blueprint.route(spec.path, methods=["POST"])
    @describe(f"Create {_a(spec.resource.name)}")
    @signed_in(*spec.needs(Verb.CREATE))
    @blueprint.arguments(spec.create_body)
    @blueprint.response(201, schema)
    def create_one(uow: UnitOfWork, actor: Actor, values: Values) -> Response:
        element = create(uow, actor, values)
        uow.commit()
        answer = element_answer(uow, actor, schema, spec.completed(uow, actor, element), 201)
        if spec.created_answer:
            # What can be read only once must not lie in anybody's cache, ours included.
            answer.cache_control.no_store = True
        return answer


def _add_load(blueprint: LoomBlueprint, spec: CrudSpec[M]) -> None:
    schema = spec.answer()

    @blueprint.route(spec.element_path, methods=["GET"])
    @describe(f"Load {_a(spec.resource.name)}", FIELDS_PARAMETER)
    @signed_in(*spec.needs(Verb.READ))
    @blueprint.response(200, schema)
    def load_one(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
        element = spec.completed(uow, actor, spec.resource.read(uow, actor, element_id))
        return not_modified(etag_of(element)) or show(schema, element)


def _add_update(blueprint: LoomBlueprint, spec: CrudSpec[M]) -> None:
    schema = spec.answer()
    update = spec.update or spec.resource.update

    @blueprint.route(spec.element_path, methods=["POST", "PATCH"])
    @describe(f"Change what is given of {_a(spec.resource.name)}")
    @signed_in(*spec.needs(Verb.UPDATE))
    @blueprint.arguments(spec.update_body)
    @blueprint.response(200, schema)
    def update_one(uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID) -> Response:
        element = spec.resource.get(uow, actor, element_id, Verb.UPDATE, lock=True)
        require_match(element)
        update(uow, actor, element, values)
        uow.commit()
        return element_answer(uow, actor, schema, spec.completed(uow, actor, element))


def _add_replace(blueprint: LoomBlueprint, spec: CrudSpec[M]) -> None:
    schema, body = spec.answer(), spec.update_body(is_replacement=True)
    update = spec.update or spec.resource.update

    @blueprint.route(spec.element_path, methods=["PUT"])
    @describe(f"Replace all that can be changed of {_a(spec.resource.name)}; null clears")
    @signed_in(*spec.needs(Verb.UPDATE))
    @blueprint.arguments(body)
    @blueprint.response(200, schema)
    def replace_one(uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID) -> Response:
        element = spec.resource.get(uow, actor, element_id, Verb.UPDATE, lock=True)
        require_match(element)
        update(uow, actor, element, cleared(spec.resource.model, body, values))
        uow.commit()
        return element_answer(uow, actor, schema, spec.completed(uow, actor, element))


def cleared(model: type[Any], body: Schema, values: Values) -> Values:
    """Give the values of a replacement, in which null stands for what an element has when nothing is said.

    Raises:
        InvalidInput: naming what an element cannot be without.
    """
    return {name: _default(model, body, name) if value is None else value for name, value in values.items()}


def _default(model: type[Any], body: Schema, name: str) -> Any:
    """Give what a column holds when it is cleared; what is no column is its service's to judge."""
    column = model.__table__.columns.get(name)
    if column is None or column.nullable:
        return None
    if column.default is None:
        raise InvalidInput(f"{body.fields[name].data_key or name}: cannot be null", code="validation")
    return column.default.arg(None) if column.default.is_callable else column.default.arg


def _add_delete(blueprint: LoomBlueprint, spec: CrudSpec[M]) -> None:
    delete = spec.delete or spec.resource.delete

    @blueprint.route(spec.element_path, methods=["DELETE"])
    @describe(f"Delete {_a(spec.resource.name)}")
    @signed_in(*spec.needs(Verb.DELETE))
    @blueprint.response(204)
    def delete_one(uow: UnitOfWork, actor: Actor, element_id: UUID) -> ResponseReturnValue:
        element = spec.resource.get(uow, actor, element_id, Verb.DELETE, lock=True)
        require_match(element)
        delete(uow, actor, element)
        uow.commit()
        return "", 204


def _plural(name: str) -> str:
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


_ROUTES: dict[Operation, Callable[[LoomBlueprint, CrudSpec[Any]], None]] = {
    Operation.LIST: _add_list,
    Operation.CREATE: _add_create,
    Operation.LOAD: _add_load,
    Operation.UPDATE: _add_update,
    Operation.REPLACE: _add_replace,
    Operation.DELETE: _add_delete,
}
