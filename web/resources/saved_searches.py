"""Saved searches: parameters under a name, asked anew each time by whoever reads them."""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from marshmallow import fields

from models.bodies.fields import ChangeSchema, ElementSchema, Meta, Name, RequestSchema
from models.bodies.filters import audit_filters, text_filter, uuid_filter
from models.entities import SavedSearch
from models.permissions import Actor, Permission
from models.services.saved_searches import SAVED_SEARCHES, create_saved_search
from models.services.search import ASSET
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.crud import CrudSpec, crud_blueprint
from web.pagination import Listing
from web.searching import HitsSchema, SearchPageSchema, StoredQuery, StoredQuerySchema, search_answer

Values = dict[str, Any]


class SavedSearchSchema(ElementSchema):
    """A search under a name."""

    name = fields.String()
    user_id = fields.UUID(data_key="userUuid", metadata={"description": "Whose it is"})
    query = fields.Dict(keys=fields.String())


class SavedSearchCreateSchema(RequestSchema):
    """A search to be kept."""

    name = Name(required=True)
    query = StoredQuery(required=True)
    meta = Meta()


class SavedSearchUpdateSchema(ChangeSchema):
    """What can be changed of a saved search."""

    name = Name()
    query = StoredQuery()
    meta = Meta()


SAVED_SEARCH_SPEC = CrudSpec(
    path="/saved-searches",
    resource=SAVED_SEARCHES,
    description="What people look for again and again",
    answer=SavedSearchSchema,
    create_body=SavedSearchCreateSchema,
    update_body=SavedSearchUpdateSchema,
    listing=Listing(
        sorts={"name": attrgetter("name"), "created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "name": text_filter(SavedSearch.name),
            "user": uuid_filter(SavedSearch.user_id),
            **audit_filters(SavedSearch),
        },
    ),
    create=create_saved_search,
)

blueprint = crud_blueprint(SAVED_SEARCH_SPEC)


@blueprint.route(f"{SAVED_SEARCH_SPEC.element_path}/results", methods=["GET"])
@signed_in(Permission.READ_SEARCH, Permission.READ_ASSET)
@blueprint.arguments(HitsSchema, location="query")
@blueprint.response(200, SearchPageSchema)
def find_again(uow: UnitOfWork, actor: Actor, values: Values, element_id: UUID) -> Values:
    """Search as the saved search says, within what the caller may find."""
    saved = SAVED_SEARCHES.get(uow, actor, element_id)
    return search_answer(uow, actor, {**StoredQuerySchema().load(saved.query), **values}, [ASSET])
