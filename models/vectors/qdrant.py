"""Vectors in Qdrant: a collection for each type, model and number of dimensions, called by an alias.

The name of a collection has the generation that it belongs to; a rebuild fills collections of a new generation and then
moves all aliases to them in one step.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from models.errors import Unavailable
from models.vectors.port import VectorKind, VectorPoint

if TYPE_CHECKING:  # it takes a second to load, and is only needed where Qdrant is used
    from qdrant_client import QdrantClient

_PREFIX = "loom_"
_BATCH = 500
_PAGE = 1000
_TIMEOUT_SECONDS = 10


class QdrantStore:
    """See `models.vectors.port.VectorStore`. May be shared between threads."""

    def __init__(self, connect: Callable[[], QdrantClient]) -> None:
        self._connect = connect
        self._client: QdrantClient | None = None
        self._lock = Lock()
        self._building: dict[VectorKind, str] | None = None

    @classmethod
    def at(cls, url: str, api_key: str | None) -> QdrantStore:
        """Use the server at a URL, once it is needed."""

        def connect() -> QdrantClient:
            from qdrant_client import QdrantClient  # noqa: PLC0415 - see above

            return QdrantClient(url=url, api_key=api_key, timeout=_TIMEOUT_SECONDS, check_compatibility=False)

        return cls(connect)

    @contextmanager
    def _asking(self) -> Iterator[tuple[Any, Any]]:
        """Give the client, and the module with its models."""
        from qdrant_client import models  # noqa: PLC0415 - see above
        from qdrant_client.http.exceptions import ApiException  # noqa: PLC0415

        with self._lock:
            if self._client is None:
                self._client = self._connect()
        try:
            yield self._client, models
        except (ApiException, OSError) as error:
            raise Unavailable(f"Qdrant does not answer: {type(error).__name__}") from error

    def nearest(
        self, kind: VectorKind, space_id: UUID, vector: Sequence[float], limit: int
    ) -> list[tuple[UUID, float]]:
        """Ask.

        Raises:
            Unavailable: when it does not answer, or has nothing of that kind yet.
        """
        with self._asking() as (client, models):
            if alias_of(kind) not in self._aliases(client):
                raise Unavailable("Vectors of this kind are not in Qdrant yet; the indexer brings them")
            found = client.query_points(
                alias_of(kind), query=list(vector), query_filter=_of_space(models, space_id), limit=limit,
                with_payload=False,
            )  # fmt: skip
            return [(UUID(str(point.id)), float(point.score)) for point in found.points]

    def replace(self, asset_ids: Sequence[UUID], points: Mapping[VectorKind, Sequence[VectorPoint]]) -> None:
        """Put them, and remove what else there is of these assets."""
        if not asset_ids:
            return
        with self._asking() as (client, models):
            known = self._aliases(client)
            for kind, its in points.items():
                if alias_of(kind) not in known:
                    name = _create(client, models, kind)
                    _point(client, models, {alias_of(kind): name})
                    known[alias_of(kind)] = name
                _upsert(client, models, known[alias_of(kind)], its)
            kept = [str(each.embedding_id) for its in points.values() for each in its]
            stale = models.Filter(
                must=[models.FieldCondition(key="asset", match=models.MatchAny(any=[str(key) for key in asset_ids]))],
                must_not=[models.HasIdCondition(has_id=kept)] if kept else None,
            )
            for name in known.values():
                client.delete(name, points_selector=models.FilterSelector(filter=stale), wait=True)

    def begin(self) -> None:
        """Forget what was begun before."""
        with self._asking() as (client, _):
            _remove_others(client, set(self._aliases(client).values()))
            self._building = {}

    def add(self, points: Mapping[VectorKind, Sequence[VectorPoint]]) -> None:
        """Put them into collections that have no alias yet."""
        assert self._building is not None
        with self._asking() as (client, models):
            for kind, its in points.items():
                if kind not in self._building:
                    self._building[kind] = _create(client, models, kind)
                _upsert(client, models, self._building[kind], its)

    def switch(self) -> None:
        """Move the aliases, and remove what has none."""
        assert self._building is not None
        with self._asking() as (client, models):
            built = {alias_of(kind): name for kind, name in self._building.items()}
            gone = set(self._aliases(client)) - built.keys()
            _point(client, models, built, gone)
            _remove_others(client, set(built.values()))
        self._building = None

    def count(self, space_id: UUID | None = None) -> int:
        """Count exactly."""
        with self._asking() as (client, models):
            chosen = _of_space(models, space_id) if space_id else None
            names = self._aliases(client).values()
            return sum(client.count(name, count_filter=chosen, exact=True).count for name in names)

    def ids(self, kind: VectorKind) -> Iterable[UUID]:
        """Page through them."""
        with self._asking() as (client, _):
            if alias_of(kind) not in self._aliases(client):
                return
            offset = None
            while True:
                points, offset = client.scroll(
                    alias_of(kind), limit=_PAGE, offset=offset, with_payload=False, with_vectors=False
                )
                yield from (UUID(str(point.id)) for point in points)
                if offset is None:
                    return

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @staticmethod
    def _aliases(client: Any) -> dict[str, str]:
        found = client.get_aliases().aliases
        return {each.alias_name: each.collection_name for each in found if each.alias_name.startswith(_PREFIX)}


def alias_of(kind: VectorKind) -> str:
    """Give the name that collections of a kind are found by."""
    return _PREFIX + hashlib.sha256(repr(tuple(kind)).encode()).hexdigest()[:32]


def _create(client: Any, models: Any, kind: VectorKind) -> str:
    name = f"{alias_of(kind)}-{uuid4().hex[:12]}"
    config = models.VectorParams(size=kind.dimensions, distance=models.Distance.COSINE)
    client.create_collection(name, vectors_config=config)
    for field in ("space", "asset"):
        client.create_payload_index(name, field, field_schema=models.PayloadSchemaType.KEYWORD)
    return name


def _point(client: Any, models: Any, wanted: Mapping[str, str], gone: Iterable[str] = ()) -> None:
    """Let aliases mean collections, all at once."""
    deleted = [
        models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)) for alias in (*gone, *wanted)
    ]
    made = [
        models.CreateAliasOperation(create_alias=models.CreateAlias(alias_name=alias, collection_name=name))
        for alias, name in wanted.items()
    ]
    if deleted or made:
        client.update_collection_aliases([*deleted, *made])


def _remove_others(client: Any, kept: set[str]) -> None:
    for each in client.get_collections().collections:
        if each.name.startswith(_PREFIX) and each.name not in kept:
            client.delete_collection(each.name)


def _upsert(client: Any, models: Any, name: str, points: Sequence[VectorPoint]) -> None:
    usable = [each for each in points if any(each.vector) and all(map(math.isfinite, each.vector))]
    for start in range(0, len(usable), _BATCH):
        structs = [
            models.PointStruct(
                id=str(each.embedding_id), vector=list(each.vector),
                payload={"space": str(each.space_id), "asset": str(each.asset_id)},
            )
            for each in usable[start : start + _BATCH]
        ]  # fmt: skip
        client.upsert(name, points=structs, wait=True)


def _of_space(models: Any, space_id: UUID) -> Any:
    return models.Filter(must=[models.FieldCondition(key="space", match=models.MatchValue(value=str(space_id)))])
