"""Searching by meaning: a model server makes a vector of what is asked, and what lies near it is found.

The server is one such as `http-embedding` asks (`workers/nodes/http_service.py`): it is sent
`{"task": "query", "text": "..."}` and answers `{"embeddings": [{"vector": [...]}]}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, select

from models.entities import Asset
from models.errors import LoomError, Unavailable
from models.fetching import post
from models.permissions import Actor
from models.search import Hit, SearchPage, SearchReader
from models.services.fusion import fuse
from models.services.search import ASSET, Found, Wanted, search
from models.services.similarity import MOST_SIMILAR, Sought, similar_embeddings
from models.services.vector_index import VectorIndex
from models.settings import Settings
from models.unit_of_work import UnitOfWork

_SECONDS, _MOST_ANSWER = 10.0, 4 * 1024**2
_HEADERS = {"Content-Type": "application/json"}
MATCHED = "semantic"
_ONLY_ASSETS = "Only assets are found by what is meant"


@dataclass(frozen=True)
class Meaning:
    """What is near to this vector, among embeddings of a type and model, is meant; within some conditions on assets."""

    vector: Sequence[float]
    type: str
    model: str | None
    conditions: Sequence[ColumnElement[bool]] = ()


def embed_text(settings: Settings, text: str) -> list[float]:
    """Ask the model server for the vector of a text.

    Raises:
        Unavailable: when it does not answer, or with something else.
    """
    assert settings.text_embedding_url is not None
    body = orjson.dumps({"task": "query", "text": text})
    allowed = settings.fetch_allowed_networks
    try:
        answer = orjson.loads(post(settings.text_embedding_url, body, _HEADERS, allowed, _SECONDS, _MOST_ANSWER))
        return [float(number) for number in answer["embeddings"][0]["vector"]]
    except LoomError as error:
        raise Unavailable(f"The model server for texts does not answer: {error.message}") from None
    except (ValueError, TypeError, KeyError, IndexError, OverflowError):
        raise Unavailable("The model server for texts answers something else than a vector") from None


def search_by_meaning(
    uow: UnitOfWork, reader: SearchReader, index: VectorIndex, actor: Actor, wanted: Wanted, meaning: Meaning, *,
    is_hybrid: bool,
) -> Found:  # fmt: skip
    """Find assets whose embeddings are near; if it is hybrid, those with the words as well, fused by rank.

    Only assets are found; there are no facets, and no more hits than can be compared.

    Raises:
        InvalidInput, Unavailable, Forbidden: as `search` and `similar_embeddings`.
    """
    if ASSET not in wanted.types:
        return Found((), SearchPage((), 0), {}, [_ONLY_ASSETS])
    sought = Sought(vector=meaning.vector, type=meaning.type, model=meaning.model)
    near = similar_embeddings(uow, index, actor, sought, MOST_SIMILAR, None, meaning.conditions)
    rankings = [[each.asset_id for each in near]]
    warnings = [_ONLY_ASSETS] if len(wanted.types) > 1 else []
    known: dict[UUID, Hit] = {}
    if is_hybrid:
        lexical = replace(wanted, types=(ASSET,), query=replace(wanted.query, limit=MOST_SIMILAR, offset=0, after=None))
        found = search(uow, reader, actor, lexical)
        known = {hit.asset_id: hit for hit in found.page.hits}
        rankings.append(list(known))
        warnings += found.warnings
    ranked = fuse(*rankings)
    page = ranked[wanted.query.offset : wanted.query.offset + wanted.query.limit]
    known |= _hits(uow, [key for key, _ in page if key not in known])
    hits = [replace(known[key], score=score) for key, score in page if key in known]
    return Found((), SearchPage(hits, len(ranked)), {}, warnings)


def _hits(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Hit]:
    query = select(Asset.id, Asset.filename, Asset.mime_type, Asset.size, Asset.first_seen).where(Asset.id.in_(ids))
    rows: Sequence[Any] = uow.session.execute(query).all()
    return {
        key: Hit(key, 0.0, filename, mime_type, size, first_seen.timestamp(), MATCHED)
        for key, filename, mime_type, size, first_seen in rows
    }
