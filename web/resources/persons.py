"""Persons who can be seen or heard in assets: those whom people have named in clusters."""

from __future__ import annotations

from operator import attrgetter
from uuid import UUID

from flask import Response
from marshmallow import fields

from models.bodies.fields import ChangeSchema, ElementSchema, Meta, RequestSchema, Text
from models.bodies.filters import audit_filters, text_filter
from models.entities import Cluster, Person
from models.permissions import Actor, Permission
from models.services.clusters import PERSONS
from models.unit_of_work import UnitOfWork
from web.auth import signed_in
from web.blueprints import describe
from web.crud import CrudSpec, crud_blueprint
from web.pagination import PAGE_PARAMETERS, Listing, page_schema, read_page
from web.resources.clusters import CLUSTER_SPEC, ClusterSchema, answer_clusters
from web.sparse import FIELDS_PARAMETER

_LONGEST_NAME = 255


class PersonSchema(ElementSchema):
    """Somebody who can be seen or heard."""

    alias = fields.String()
    firstname = fields.String()
    lastname = fields.String()


class PersonCreateSchema(RequestSchema):
    """A person to be made."""

    alias = Text(longest=_LONGEST_NAME, allow_none=True)
    firstname = Text(longest=_LONGEST_NAME, allow_none=True)
    lastname = Text(longest=_LONGEST_NAME, allow_none=True)
    meta = Meta()


class PersonUpdateSchema(ChangeSchema):
    """What can be changed of a person."""

    alias = Text(longest=_LONGEST_NAME)
    firstname = Text(longest=_LONGEST_NAME)
    lastname = Text(longest=_LONGEST_NAME)
    meta = Meta()


PERSON_SPEC = CrudSpec(
    path="/persons",
    resource=PERSONS,
    description="Who can be seen or heard in assets",
    answer=PersonSchema,
    create_body=PersonCreateSchema,
    update_body=PersonUpdateSchema,
    listing=Listing(
        sorts={"created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "alias": text_filter(Person.alias),
            "firstname": text_filter(Person.firstname),
            "lastname": text_filter(Person.lastname),
            **audit_filters(Person),
        },
    ),
)

blueprint = crud_blueprint(PERSON_SPEC)


@blueprint.route(f"{PERSON_SPEC.element_path}/clusters", methods=["GET"])
@describe("List the clusters in which a person was named", *PAGE_PARAMETERS, FIELDS_PARAMETER)
@signed_in(Permission.READ_PERSON, Permission.READ_CLUSTER)
@blueprint.response(200, page_schema(ClusterSchema))
def list_person_clusters(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Give a page of clusters."""
    PERSONS.get(uow, actor, element_id)
    return answer_clusters(uow, actor, read_page(CLUSTER_SPEC.listing).where(Cluster.person_id == element_id))
