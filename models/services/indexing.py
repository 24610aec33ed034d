"""What the indexer asks of PostgreSQL: documents, whose log its index follows, and how far it is behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from models.events import ASSET_CREATED, ASSET_DELETED, ASSET_UPDATED, ASSET_UPLOADED
from models.search import PARAGRAPH, AssetDocument, IndexState
from models.services.annotations import ANNOTATIONS
from models.services.comments import COMMENTS
from models.services.components import COMPONENTS
from models.services.event_log import LoggedEvent, Position
from models.services.search_facts import read_components
from models.services.search_rights import MARKS
from models.unit_of_work import UnitOfWork, as_array

INDEXED_EVENTS = frozenset({
    ASSET_CREATED, ASSET_UPDATED, ASSET_UPLOADED, ASSET_DELETED,
    *(
        event
        for resource in (COMMENTS, ANNOTATIONS, COMPONENTS)
        for event in (resource.created, resource.updated, resource.deleted)
    ),
})  # fmt: skip
"""Of comments and annotations, the data say of which asset."""
FIRST_ID = UUID(int=0)

_MOST_PATHS = 32
"""An empty file may lie in a hundred thousand places; these many are searchable."""
_MOST_TEXTS, _LONGEST_TEXT = 1000, 64 * 1024
"""Of the texts among the values of an asset's own metadata, however they are nested."""
_MOST_SAID, _LONGEST_SAID = 100, 4096
"""Of comments and of annotations."""
_TAG_MARK = "tag:"
_PATIENCE_SECONDS = 0.5
_MOST_COUNTED = 100_000

_LAST_ID = "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence('event', 'id') AS regclass))"
_DOCUMENTS = f"""
    SELECT a.id, a.space_id, a.filename, a.mime_type, a.size, CAST(extract(epoch FROM a.first_seen) AS float8),
           ARRAY(SELECT path FROM location WHERE asset_id = a.id AND state = 'PRESENT'
                 ORDER BY id LIMIT {_MOST_PATHS}),
           CASE WHEN a.meta = '{{}}' THEN '{{}}' ELSE ARRAY(
               SELECT left(value #>> '{{}}', {_LONGEST_TEXT})
               FROM jsonb_path_query(a.meta, 'strict $.** ? (@.type() == "string")') AS value LIMIT {_MOST_TEXTS}) END,
           ARRAY({MARKS}),
           ARRAY(SELECT concat_ws(' ', title, text) FROM comment WHERE asset_id = a.id ORDER BY id LIMIT {_MOST_SAID}),
           ARRAY(SELECT concat_ws(' ', title, description) FROM annotation WHERE asset_id = a.id
                 ORDER BY id LIMIT {_MOST_SAID}),
           (SELECT jsonb_object_agg(node_id, payload -> 'data') FROM component
            WHERE asset_id = a.id AND source = 'pipeline' AND node_id IN ('metadata', 'quality', 'text'))
    FROM asset a
"""  # noqa: S608 - only a constant is put in


def asset_of(event: LoggedEvent) -> UUID:
    """Give the asset that an indexed event is about."""
    return UUID(event.data["assetUuid"]) if "assetUuid" in event.data else event.subject_id


def load_documents(uow: UnitOfWork, asset_ids: Sequence[UUID]) -> list[AssetDocument]:
    """Give the documents of those assets that exist."""
    rows = uow.fetch(
        _DOCUMENTS + "JOIN unnest(CAST(%(ids)s AS uuid[])) AS wanted (id) ON wanted.id = a.id", ids=as_array(asset_ids)
    )
    return [_document(*row) for row in rows]


def next_documents(uow: UnitOfWork, after: UUID, limit: int) -> list[AssetDocument]:
    """Give the documents of the assets of all spaces, in the order of their ids, behind one of them."""
    rows = uow.fetch(_DOCUMENTS + "WHERE a.id > %(after)s ORDER BY a.id LIMIT %(limit)s", after=after, limit=limit)
    return [_document(*row) for row in rows]


def ids_in_bucket(uow: UnitOfWork, bucket: str) -> list[UUID]:
    """Give the assets of all spaces whose ids end in a bucket (`models.search.bucket_of`)."""
    return [row[0] for row in uow.fetch("SELECT id FROM asset WHERE right(id::text, 2) = %(it)s", it=bucket)]


def count_assets(uow: UnitOfWork) -> int:
    """Count the assets of all spaces."""
    return int(str(uow.execute("SELECT count(*) FROM asset").scalar_one()))


def identify_database(uow: UnitOfWork) -> str:
    """Tell this database from every other one: the cluster, the database in it, and the set-up that was made in it."""
    row: Any = uow.execute(
        """SELECT (SELECT system_identifier FROM pg_control_system()),
                  (SELECT oid FROM pg_database WHERE datname = current_database()),
                  (SELECT min(CAST(id AS text)) FROM space)"""
    ).one()
    return "/".join(str(part) for part in row)


def make_witness(subject_id: UUID, occurred: datetime) -> str:
    """Describe an event so that one of another history at the same position is told apart."""
    return f"{subject_id} {occurred.isoformat()}"


def find_witness(uow: UnitOfWork, position: Position) -> str:
    """Describe what is at a position of the log, so that no other history passes for it.

    Where there is no event (the log was empty when the index was built), the number of events ever drawn stands in.
    """
    row: Any = uow.execute(
        "SELECT subject_id, occurred FROM event WHERE id = :id AND xid = CAST(CAST(:xid AS text) AS xid8)",
        id=position.id,
        xid=position.xid,
    ).one_or_none()
    if row is not None:
        return make_witness(row[0], row[1])
    return f"none of {uow.execute(_LAST_ID).scalar_one()}"


def can_continue(uow: UnitOfWork, state: IndexState) -> bool:
    """Tell whether the log goes on from where an index stands.

    It does if the event at that place is still there and is the same: then nothing behind it was pruned either, and
    the database was not put back to an earlier day.
    """
    position = Position(state.xid, state.id)
    return state.database == identify_database(uow) and state.witness == find_witness(uow, position)


def read_unsettled(uow: UnitOfWork, after_id: int, limit: int) -> list[tuple[int, UUID]]:
    """Give events that have happened but that `read_events` has held back for a while: an older transaction runs.

    A reader may act on them early, but must not count on them: it can miss some, and will see all of them again.
    """
    rows: Any = uow.execute(
        """SELECT id, coalesce(CAST(data ->> 'assetUuid' AS uuid), subject_id) FROM event
           WHERE id > :after AND xid >= pg_snapshot_xmin(pg_current_snapshot()) AND type = ANY(:types)
             AND occurred < clock_timestamp() - make_interval(secs => :patience)
           ORDER BY id LIMIT :limit""",
        after=after_id,
        patience=_PATIENCE_SECONDS,
        types=list(INDEXED_EVENTS),
        limit=limit,
    ).all()
    return [(row[0], row[1]) for row in rows]


def count_unindexed(uow: UnitOfWork, state: IndexState, space_id: UUID | None = None) -> int:
    """Count the changes of a space's assets, or of all, that an index does not have yet, up to some number."""
    count = uow.execute(
        """SELECT count(*) FROM (
               SELECT 1 FROM event WHERE (xid, id) > (CAST(CAST(:xid AS text) AS xid8), :id) AND type = ANY(:types)
               AND space_id = coalesce(CAST(:space AS uuid), space_id) LIMIT :most) AS behind""",
        xid=state.xid,
        id=state.id,
        types=list(INDEXED_EVENTS),
        space=space_id,
        most=_MOST_COUNTED,
    ).scalar_one()
    return int(str(count))


def _document(
    asset_id: UUID, space_id: UUID, filename: str, mime_type: str, size: int, first_seen: float, paths: list[bytes],
    texts: list[str], marks: list[str], comments: list[str], annotations: list[str], components: dict[str, Any] | None,
) -> AssetDocument:  # fmt: skip
    told = read_components(components)
    return AssetDocument(
        asset_id=asset_id,
        space_id=space_id,
        filename=filename,
        paths=[path.decode("utf-8", "replace") for path in paths],
        mime_type=mime_type,
        text=PARAGRAPH.join([*texts, told.text] if told.text else texts),
        size=size,
        first_seen=first_seen,
        marks=[mark.casefold() for mark in marks],
        tags=[mark.removeprefix(_TAG_MARK) for mark in marks if mark.startswith(_TAG_MARK)],
        comments=[text[:_LONGEST_SAID] for text in comments],
        annotations=[text[:_LONGEST_SAID] for text in annotations],
        facts=told.facts,
        numbers=told.numbers,
        taken=told.taken,
        place=told.place,
    )
