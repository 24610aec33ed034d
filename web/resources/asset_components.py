"""Asset components: what is known of the sides of assets. They go by the permissions of the asset.

The flat routes are plain, but that a payload has to be of the component's type. Under an asset the same components are
found again; there a POST puts: it replaces what the same producer has said before, so it can be sent again.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue

from models.bodies.components import (
    ComponentCreateSchema,
    ComponentPutSchema,
    ComponentSchema,
    ComponentUpdateSchema,
    changed_columns,
    new_columns,
)
from models.bodies.filters import enum_filter, instant_filter, text_filter, uuid_filter
from models.entities import Component, ComponentType
from models.permissions import Actor, Permission, Verb
from models.services.asset_access import require_on_asset
from models.services.components import COMPONENTS, create_component, put_component
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe
from web.crud import CrudSpec, Operation, cleared, crud_blueprint, element_answer, list_answer
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, read_page
from web.preconditions import etag_of, not_modified, require_match
from web.sparse import FIELDS_PARAMETER

Values = dict[str, Any]

COMPONENT_SPEC = CrudSpec(
    path="/asset-components",
    resource=COMPONENTS,
    description="What is known of the sides of assets, such as their pictures, sound or place on Earth",
    answer=ComponentSchema,
    create_body=ComponentCreateSchema,
    update_body=ComponentUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited"), "type": attrgetter("type")},
        filters={
            "uuid": uuid_filter(Component.id),
            "asset": uuid_filter(Component.asset_id),
            "type": enum_filter(Component.type, ComponentType),
            "source": text_filter(Component.source),
            "nodeId": text_filter(Component.node_id),
            "creator": uuid_filter(Component.creator_id),
            "editor": uuid_filter(Component.editor_id),
            "created": instant_filter(Component.created),
            "edited": instant_filter(Component.edited),
        },
    ),
    operations=frozenset({Operation.LIST, Operation.LOAD, Operation.DELETE}),
)
_SCHEMA = ComponentSchema()
_REPLACEMENT = ComponentUpdateSchema(is_replacement=True)
_OF_ASSET = "/assets/<uuid:asset_id>/components"
_ONE_OF_ASSET = f"{_OF_ASSET}/<uuid:element_id>"

blueprint = crud_blueprint(COMPONENT_SPEC)


@blueprint.route(COMPONENT_SPEC.path, methods=["POST"])
@signed_in(Permission.UPDATE_ASSET)
@blueprint.arguments(ComponentCreateSchema)
@blueprint.response(201, ComponentSchema)
def create_one(uow: UnitOfWork, actor: Actor, values: Values) -> Response:
    """Create a component of an asset that has none of this producer and place."""
    component = create_component(uow, actor, new_columns(values))
    uow.commit()
    return element_answer(uow, actor, _SCHEMA, component, 201)


@blueprint.route(COMPONENT_SPEC.element_path, methods=["POST", "PATCH"])
@blueprint.route(_ONE_OF_ASSET, methods=["POST", "PATCH"], endpoint="update_of_asset")
@signed_in(Permission.UPDATE_ASSET)
@blueprint.arguments(ComponentUpdateSchema)
@blueprint.response(200, ComponentSchema)
def update_component(
    uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID, asset_id: UUID | None = None
) -> Response:  # fmt: skip
    """Change what is given of a component, and of its payload."""
    component = _get(uow, actor, element_id, asset_id, Verb.UPDATE)
    return _change(uow, actor, component, changed_columns(component, values, is_replacement=False))


@blueprint.route(COMPONENT_SPEC.element_path, methods=["PUT"])
@blueprint.route(_ONE_OF_ASSET, methods=["PUT"], endpoint="replace_of_asset")
@signed_in(Permission.UPDATE_ASSET)
@blueprint.arguments(_REPLACEMENT)
@blueprint.response(200, ComponentSchema)
def replace_component(
    uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID, asset_id: UUID | None = None
) -> Response:  # fmt: skip
    """Replace the source, the metadata and the payload of a component."""
    component = _get(uow, actor, element_id, asset_id, Verb.UPDATE)
    columns = changed_columns(component, values, is_replacement=True)
    return _change(uow, actor, component, cleared(Component, _REPLACEMENT, columns))


def _change(uow: UnitOfWork, actor: Actor, component: Component, columns: Values) -> Response:
    require_match(component)
    COMPONENTS.update(uow, actor, component, columns)
    uow.commit()
    return element_answer(uow, actor, _SCHEMA, component)


def _get(
    uow: UnitOfWork, actor: Actor, element_id: UUID, asset_id: UUID | None, verb: Verb = Verb.READ
) -> Component:  # fmt: skip
    """Give a component, locked if it is to be changed; below an asset it must be one of that asset's."""
    component = COMPONENTS.get(uow, actor, element_id, verb, lock=verb is not Verb.READ)
    if asset_id not in (None, component.asset_id):
        raise COMPONENTS.missing(element_id)
    return component


@blueprint.route(_OF_ASSET, methods=["GET"])
@describe("List the components of an asset", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_ASSET)
@blueprint.response(200, page_schema(ComponentSchema))
def list_of_asset(uow: UnitOfWork, actor: Actor, asset_id: UUID) -> Response:
    """Give a page of the components of an asset."""
    wanted = read_page(COMPONENT_SPEC.listing).where(Component.asset_id == asset_id)
    require_on_asset(uow, actor, asset_id, Permission.READ_ASSET)
    return list_answer(uow, actor, _SCHEMA, COMPONENTS.page(uow, actor, wanted), wanted)


@blueprint.route(_OF_ASSET, methods=["POST"])
@signed_in(Permission.UPDATE_ASSET)
@blueprint.arguments(ComponentPutSchema)
@blueprint.response(201, ComponentSchema)
@blueprint.alt_response(200, schema=ComponentSchema)
def put_of_asset(uow: UnitOfWork, actor: Actor, values: Values, asset_id: UUID) -> Response:
    """Create a component of an asset, or replace the one of the same producer and place."""
    require_on_asset(uow, actor, asset_id, Permission.UPDATE_ASSET)
    component, is_new = put_component(uow, actor, asset_id, new_columns(values))
    uow.commit()
    return element_answer(uow, actor, _SCHEMA, component, 201 if is_new else 200)


@blueprint.route(_ONE_OF_ASSET, methods=["GET"])
@describe("Load a component of an asset", FIELDS_PARAMETER)
@signed_in(Permission.READ_ASSET)
@blueprint.response(200, ComponentSchema)
def load_of_asset(uow: UnitOfWork, actor: Actor, asset_id: UUID, element_id: UUID) -> Response:
    """Give a component of an asset."""
    component = _get(uow, actor, element_id, asset_id)
    return not_modified(etag_of(component)) or element_answer(uow, actor, _SCHEMA, component)


@blueprint.route(_ONE_OF_ASSET, methods=["DELETE"])
@signed_in(Permission.UPDATE_ASSET)
@blueprint.response(204)
def delete_of_asset(uow: UnitOfWork, actor: Actor, asset_id: UUID, element_id: UUID) -> ResponseReturnValue:
    """Delete a component of an asset."""
    component = _get(uow, actor, element_id, asset_id, Verb.DELETE)
    require_match(component)
    COMPONENTS.delete(uow, actor, component)
    uow.commit()
    return "", 204
