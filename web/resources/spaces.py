"""Spaces. Making, changing and removing them is for operators; everybody sees those that they may act in."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from marshmallow import ValidationError, fields

from models.entities import Space
from models.errors import InvalidInput
from models.paths import decode_path
from models.services import spaces
from models.services.spaces import SPACES
from web.crud import CrudSpec, crud_blueprint
from web.fields import ChangeSchema, ElementSchema, Meta, Name, RequestSchema, Text
from web.filters import audit_filters, text_filter
from web.pagination import Listing

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
        metadata={"description": "Folders that its asset pools must lie under. Empty: none, but in `default` anywhere"},
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
    create=spaces.create_space,
    update=spaces.update_space,
    delete=spaces.delete_space,
)

blueprint = crud_blueprint(SPACE_SPEC)
