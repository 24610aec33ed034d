"""Modes of a search that look for what is meant: they need a model server (`LOOM_TEXT_EMBEDDING_URL`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement

from models.bodies.asset_filters import asset_filters
from models.entities import Asset
from models.errors import InvalidInput
from models.permissions import Actor, Permission
from models.search import SearchSort
from models.services.search import CAPABILITIES
from models.services.semantic import Meaning, embed_text
from models.services.visibility import Scope, covered
from models.unit_of_work import UnitOfWork
from web.offload import in_thread
from web.state import platform

LEXICAL, SEMANTIC, HYBRID = MODES = ("LEXICAL", "SEMANTIC", "HYBRID")
Values = dict[str, Any]


def capabilities() -> list[str]:
    """What this Loom can do with a search."""
    return [*CAPABILITIES, *(("semantic", "hybrid") if platform().settings.text_embedding_url else ())]


def read_meaning(uow: UnitOfWork, actor: Actor, values: Values, tags: Sequence[str], mode: str) -> Meaning:
    """Have a vector made of what is asked, and say what restricts it; the unit of work is let go of meanwhile.

    Raises:
        InvalidInput: when there is no model server, no words, or another order is wanted.
        Forbidden: when the actor may read no embeddings.
        Unavailable: when the model server does not answer.
    """
    settings = platform().settings
    if settings.text_embedding_url is None:
        known = f"there is {LEXICAL}, and others where a model server is set up"
        raise InvalidInput(f"mode: {mode} is not available; {known}", code="unsupported-mode")
    if not values["q"].strip():
        raise InvalidInput(f"q: {mode} needs words")
    if values["sort"] is not SearchSort.RELEVANCE or not values.get("cursor", "0").isdecimal():
        raise InvalidInput(f"sort: {mode} is in the order of relevance")
    if unknown := [name for name in ("facets", "profile") if values.get(name)]:
        raise InvalidInput(f"{unknown[0]}: {mode} counts nothing by facets")
    if values.get("blacklisted", "exclude") != "exclude":
        raise InvalidInput(f"blacklisted: {mode} finds nothing that is blacklisted")
    actor.require_somewhere(Permission.READ_EMBEDDING)
    conditions = _conditions(actor, values, tags)
    uow.release()  # the other server may take its time
    vector = in_thread(embed_text, settings, values["q"])
    return Meaning(vector, settings.text_embedding_type, settings.text_embedding_model, conditions)


def _conditions(actor: Actor, values: Values, tags: Sequence[str]) -> list[ColumnElement[bool]]:
    """Say what restricts a search as conditions on assets."""
    rules = asset_filters(actor)
    found = [covered(Asset, Scope.ASSET, actor, Permission.READ_SEARCH)]
    found += [rules[name]("eq", str(values[name])) for name in ("library", "collection") if values.get(name)]
    found += [rules["tag"]("eq", name) for name in tags]
    if values.get("mime"):
        found.append(Asset.mime_type.startswith(values["mime"], autoescape=True))
    if values.get("seen_from"):
        found.append(Asset.first_seen >= values["seen_from"])
    if values.get("seen_to"):
        found.append(Asset.first_seen <= values["seen_to"])
    return found
