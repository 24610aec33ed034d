"""Finding tags, collections, libraries, persons and clusters by their names, and annotations by their words.

Names are looked for in PostgreSQL, so they are found as soon as they are made, under the very rights of lists. There
are few of them beside the assets. Annotations are found through the index of the assets that they are on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, false, func, literal_column, not_, or_, select

from models.entities import Annotation, Cluster, Collection, Library, Person, Tag
from models.permissions import Actor, Permission
from models.search import Part, SearchQuery, SearchReader
from models.search.grammar import Term, Terms, parse_terms
from models.search.words import fold, split_words
from models.services.annotations import ANNOTATIONS
from models.services.clusters import CLUSTERS, PERSONS
from models.services.collections import COLLECTIONS
from models.services.crud import Resource
from models.services.libraries import LIBRARIES
from models.services.search_rights import visible_parts
from models.services.tags import TAGS
from models.unit_of_work import UnitOfWork

MOST_NAMED = 10
"""Of each type, in front of the assets of the first page."""
_EXACT_SCORE, _SCORE = 8.0, 4.0
_LONGEST_SHOWN = 160


@dataclass(frozen=True)
class NamedHit:
    """An element other than an asset that matches."""

    type: str
    uuid: UUID
    title: str
    score: float
    matched_in: str = "title"
    subtitle: str | None = None
    asset_id: UUID | None = None
    highlights: Sequence[str] = ()


@dataclass(frozen=True)
class _Named:
    """Elements that are found by what they are called."""

    resource: Resource[Any]
    permission: Permission
    id: Any
    name: Any
    """In SQL."""


_NAMED = {
    "tag": _Named(TAGS, Permission.READ_TAG, Tag.id, Tag.name),
    "collection": _Named(COLLECTIONS, Permission.READ_COLLECTION, Collection.id, Collection.name),
    "library": _Named(LIBRARIES, Permission.READ_LIBRARY, Library.id, Library.name),
    "person": _Named(
        PERSONS, Permission.READ_PERSON, Person.id,
        func.concat_ws(" ", Person.firstname, Person.lastname, Person.alias),
    ),
    "cluster": _Named(CLUSTERS, Permission.READ_CLUSTER, Cluster.id, func.coalesce(Cluster.name, "")),
}  # fmt: skip
NAMED_TYPES = tuple(_NAMED)


def may_find(actor: Actor, kind: str) -> bool:
    """Whether the actor may read any element of a type."""
    if kind == "annotation":
        return Part.ANNOTATIONS in visible_parts(actor)
    permission = _NAMED[kind].permission
    return bool(actor.may(permission) or actor.libraries(permission) or actor.collections(permission))


def find_named(uow: UnitOfWork, actor: Actor, kind: str, terms: str, limit: int) -> list[NamedHit]:
    """Find elements whose name has the words, best first.

    Raises:
        InvalidInput: when the terms cannot be understood, saying where.
    """
    named = _NAMED[kind]
    parsed = parse_terms(terms)
    if not parsed.wanted:
        return []
    name = _folded(named.name)
    rank = case((name == fold(terms).casefold().strip(), _EXACT_SCORE), else_=_SCORE)
    query = select(named.id, named.name, rank).where(named.resource.visible(actor), _matches(name, parsed))
    rows = uow.session.execute(query.order_by(rank.desc(), func.length(named.name), named.id).limit(limit))
    return [NamedHit(kind, key, text, float(score)) for key, text, score in rows]


def _folded(column: Any) -> ColumnElement[str]:
    """Take case and accents off in SQL, as `models.search.words.fold` does."""
    return func.regexp_replace(func.normalize(func.lower(column), literal_column("NFKD")), "[\u0300-\u036f]", "", "g")


def _matches(name: ColumnElement[str], terms: Terms) -> ColumnElement[bool]:
    alternatives = [_all_of(name, each) for each in terms.alternatives if all(isinstance(one, Term) for one in each)]
    return or_(false(), *alternatives)


def _all_of(name: ColumnElement[str], terms: Sequence[Any]) -> ColumnElement[bool]:
    found = [(term.is_negated, and_(*(name.contains(word, autoescape=True) for word in term.words))) for term in terms]
    return and_(*(not_(condition) if is_negated else condition for is_negated, condition in found))


def find_annotations(
    uow: UnitOfWork, reader: SearchReader, actor: Actor, narrowed: SearchQuery, limit: int
) -> list[NamedHit]:
    """Find annotations with the words; `narrowed` is a search that is kept within what the actor may find."""
    terms = parse_terms(narrowed.terms)
    if not terms.wanted:
        return []
    page = reader.search(replace(narrowed, within=Part.ANNOTATIONS, limit=limit, offset=0, facets=(), after=None))
    assets = [hit.asset_id for hit in page.hits]
    query = (
        select(Annotation).where(Annotation.asset_id.in_(assets), ANNOTATIONS.visible(actor)).order_by(Annotation.id)
    )
    rows = uow.session.execute(query).scalars() if assets else ()
    wanted = {word for term in terms.wanted for word in term.words}
    found = [row for row in rows if wanted & set(split_words(f"{row.title} {row.description or ''}"))]
    return [_annotation_hit(row) for row in found[:limit]]


def _annotation_hit(row: Annotation) -> NamedHit:
    subtitle = (row.description or "")[:_LONGEST_SHOWN] or None
    return NamedHit("annotation", row.id, row.title, _SCORE, "title", subtitle, row.asset_id)
