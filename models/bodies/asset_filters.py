"""Filters on assets: by their columns, by what they belong to, by the blacklist.

They see the actor: what one may not read is as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, false, not_, or_, select

from models.bodies.filters import Rule, audit_filters, size_filter, text_filter
from models.entities import Asset, AssetTag, Collection, Library, Tag
from models.errors import InvalidInput
from models.ids import is_storable, parse_uuid, printable
from models.permissions import Actor, Permission
from models.services.collections import COLLECTIONS
from models.services.libraries import LIBRARIES
from models.services.unwanted import is_listed
from models.services.visibility import in_collections, in_libraries

Condition = ColumnElement[bool]
BLACKLIST_CHOICES = ("exclude", "include", "only")
_OWN: Mapping[str, Rule] = {
    "name": text_filter(Asset.filename),
    "type": text_filter(Asset.mime_type),
    "origin": text_filter(Asset.origin),
    "size": size_filter(Asset.size),
    **audit_filters(Asset),
}


def blacklist_conditions(actor: Actor, choice: str) -> list[Condition]:
    """Tell which assets are wanted, blacklisted ones or others; to ask for those one must be allowed to know of them.

    Raises:
        InvalidInput: when the choice is none.
    """
    if choice not in BLACKLIST_CHOICES:
        raise InvalidInput(f"blacklisted: '{printable(choice)}' is not one of {', '.join(BLACKLIST_CHOICES)}")
    if choice != "exclude":
        actor.require(Permission.READ_BLACKLIST)
    return {"exclude": [~is_listed(Asset)], "include": [], "only": [is_listed(Asset)]}[choice]


def asset_filters(actor: Actor) -> Mapping[str, Rule]:
    """Give all rules; those of the keys `tag` (a name or uuid), `library` and `collection` (a uuid) see the actor."""
    return {
        **_OWN,
        "tag": _equality(lambda text: _has_tag(actor, text)),
        "library": _equality(lambda text: _in_library(actor, text)),
        "collection": _equality(lambda text: _in_collection(actor, text)),
    }


def _equality(holds: Callable[[str], Condition]) -> Rule:
    def condition(operation: str, text: str) -> Condition:
        if operation not in {"eq", "ne"}:
            raise ValueError("unknown operator; known: eq, ne")
        return holds(text) if operation == "eq" else not_(holds(text))

    return condition


def _has_tag(actor: Actor, text: str) -> Condition:
    if not is_storable(text):
        raise ValueError("the value holds characters that cannot be stored")
    if not actor.may(Permission.READ_TAG):
        return false()
    ways: list[Any] = [Tag.name == text]
    with suppress(InvalidInput):
        ways.append(Tag.id == parse_uuid(text))
    put = select(AssetTag.id).join(Tag, Tag.id == AssetTag.tag_id).where(AssetTag.asset_id == Asset.id)
    return put.where(Tag.space_id == actor.space_id, or_(*ways)).exists()


def _in_library(actor: Actor, text: str) -> Condition:
    library_id = parse_uuid(text)
    is_seen = select(Library.id).where(Library.id == library_id, LIBRARIES.visible(actor)).exists()
    return is_seen & in_libraries(Asset.id, frozenset({library_id}))


def _in_collection(actor: Actor, text: str) -> Condition:
    collection_id = parse_uuid(text)
    is_seen = select(Collection.id).where(Collection.id == collection_id, COLLECTIONS.visible(actor)).exists()
    return is_seen & in_collections(Asset.id, frozenset({collection_id}))
