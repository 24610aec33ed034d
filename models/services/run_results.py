"""Writing what a part of a run has found out: a few statements for all of its assets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from models.events import ASSET_UPDATED
from models.ids import new_id_text
from models.permissions import Actor
from models.services.blobs import request_blob_removal
from models.services.vector_keys import LAYOUT_MODEL, LAYOUT_TYPE
from models.unit_of_work import UnitOfWork, as_array, as_rows

SOURCE = "pipeline"
"""`source` of the components that nodes write."""


@dataclass(frozen=True)
class Found:
    """What a node has newly found out about an asset. `made` are files: by port, what an attachment says of them."""

    asset_id: UUID
    kind: str
    version: str
    key: bytes
    outputs: dict[str, Any]
    made: Sequence[dict[str, Any]] = ()


class ItemRow(NamedTuple):
    """An item of a run, as it is kept. `results` are what its nodes did, as JSON."""

    item_index: int
    asset_id: UUID
    sha512: bytes
    filename: str
    size: int
    state: str
    message: str | None
    duration_ms: int
    results: bytes


@dataclass
class Tally:
    """How many executions of a node have ended; failed and skipped ones are among them."""

    processed: int = 0
    failed: int = 0
    skipped: int = 0


def count_nodes(uow: UnitOfWork, task_id: UUID, tallies: Mapping[str, Tally]) -> None:
    """Add to what is counted of a run by node."""
    if tallies:
        rows = [{"node_id": node_id, **vars(tallies[node_id])} for node_id in sorted(tallies)]
        uow.execute(
            """INSERT INTO run_node (task_id, node_id, processed, failed, skipped)
               SELECT :task, node_id, processed, failed, skipped FROM json_to_recordset(CAST(:rows AS json))
                    AS new (node_id text, processed bigint, failed bigint, skipped bigint)
               ON CONFLICT (task_id, node_id) DO UPDATE SET processed = run_node.processed + excluded.processed,
                   failed = run_node.failed + excluded.failed, skipped = run_node.skipped + excluded.skipped""",
            task=task_id, rows=as_rows(rows),
        )  # fmt: skip


def tallies_of(uow: UnitOfWork, task_id: UUID) -> dict[str, Tally]:
    """Give what is counted of a run by node."""
    rows = uow.fetch(
        "SELECT node_id, processed, failed, skipped FROM run_node WHERE task_id = %(id)s ORDER BY node_id", id=task_id
    )
    return {node_id: Tally(*counts) for node_id, *counts in rows}


_RUN_ITEM = {
    "task_id": "uuid", "index": "int8", "asset_id": "uuid", "sha512": "bytea", "filename": "text", "size": "int8",
    "state": "text", "message": "text", "duration_ms": "int8", "results": "bytea",
}  # fmt: skip


def keep_run_items(uow: UnitOfWork, task_id: UUID, rows: Sequence[ItemRow]) -> None:
    """Keep what became of items; of one that is tried again, what became of it now."""
    uow.execute(
        "DELETE FROM run_item WHERE task_id = :task AND index = ANY(:indices)",
        task=task_id, indices=[row.item_index for row in rows],
    )  # fmt: skip
    uow.copy("run_item", _RUN_ITEM, ((task_id, *row) for row in rows))


def keep_found(uow: UnitOfWork, actor: Actor, task_id: UUID, found: Sequence[Found]) -> None:
    """Write what nodes have found out onto the assets that there still are, and remember it for the next run."""
    if not found:
        return
    alive = _hold_assets(uow, {each.asset_id for each in found})
    kept = [each for each in found if each.asset_id in alive]
    if not kept:
        return
    _write_columns(uow, actor, kept)
    _write_components(uow, actor, kept)
    _write_attachments(uow, actor, kept)
    _write_embeddings(uow, actor, kept)
    uow.execute(
        """INSERT INTO node_result (asset_id, kind, key, version, outputs, task_id)
           SELECT asset_id, kind, decode(key, 'hex'), version, outputs, :task
           FROM json_to_recordset(CAST(:rows AS json))
                AS new (asset_id uuid, kind text, key text, version text, outputs jsonb)
           ON CONFLICT (asset_id, kind, key) DO UPDATE SET outputs = excluded.outputs, task_id = excluded.task_id,
               found = now()""",
        task=task_id,
        rows=as_rows([
            {"asset_id": each.asset_id, "kind": each.kind, "key": each.key.hex(), "version": each.version,
             "outputs": each.outputs}
            for each in sorted(kept, key=lambda each: (each.asset_id, each.kind, each.key))
        ]),
    )  # fmt: skip
    uow.publish_each(ASSET_UPDATED, actor.space_id, sorted({each.asset_id for each in kept}), actor.user_id)


def _hold_assets(uow: UnitOfWork, asset_ids: set[UUID]) -> set[UUID]:
    """Keep assets from being removed until the transaction ends; gives those that there are."""
    rows: Any = uow.execute(
        "SELECT id FROM asset WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE",
        ids=as_array(sorted(asset_ids)),
    ).all()
    return {row[0] for row in rows}


_COLUMNS = {
    "sha256": ("hash", "sha256", "decode(value #>> '{}', 'hex')"),
    "md5": ("hash", "md5", "decode(value #>> '{}', 'hex')"),
    "chunk-hash": ("hash", "chunk_hash", "value #>> '{}'"),
    "consistency": ("zero_chunk_count", "zero_chunk_count", "CAST(value AS bigint)"),
}
"""Of kinds that find out what the asset has a column for: the port, the column, and how it is read from JSON."""


def _write_columns(uow: UnitOfWork, actor: Actor, found: Sequence[Found]) -> None:
    for kind, (port, column, read) in _COLUMNS.items():
        rows = [{"id": each.asset_id, "value": each.outputs[port]} for each in found if each.kind == kind]
        if rows:
            uow.execute(
                f"""UPDATE asset SET {column} = {read}, revision = revision + 1, edited = now(), editor_id = :user
                    FROM json_to_recordset(CAST(:rows AS json)) AS new (id uuid, value jsonb)
                    WHERE asset.id = new.id AND asset.{column} IS DISTINCT FROM {read}""",  # noqa: S608 - constants
                user=actor.user_id, rows=as_rows(rows),
            )  # fmt: skip


_DESCRIBING = frozenset({
    "metadata", "quality", "dominant-color", "image-hash", "text", "fingerprint", "scene-detection",
})  # fmt: skip


def _write_components(uow: UnitOfWork, actor: Actor, found: Sequence[Found]) -> None:
    """A JSON component for each kind that describes, in the place of what it has said before."""
    rows = {
        (each.asset_id, each.kind): {
            "id": new_id_text(), "asset_id": each.asset_id, "node_id": each.kind,
            "variant": orjson.dumps([each.kind, None]).decode(), "producer_version": each.version,
            "payload": {"schemaType": each.kind, "data": each.outputs},
        }
        for each in found
        if each.kind in _DESCRIBING
    }  # fmt: skip
    if not rows:
        return
    uow.execute(
        """INSERT INTO component (id, space_id, creator_id, editor_id, asset_id, type, source, node_id,
               producer_version, variant, payload)
           SELECT id, :space, :user, :user, asset_id, 'JSON', :source, node_id, producer_version, variant, payload
           FROM json_to_recordset(CAST(:rows AS json))
                AS new (id uuid, asset_id uuid, node_id text, variant text, producer_version text, payload jsonb)
           ON CONFLICT ON CONSTRAINT uq_component_producer DO UPDATE SET payload = excluded.payload,
               producer_version = excluded.producer_version, revision = component.revision + 1, edited = now(),
               editor_id = excluded.editor_id
           WHERE component.payload IS DISTINCT FROM excluded.payload
               OR component.producer_version IS DISTINCT FROM excluded.producer_version""",
        space=actor.space_id,
        user=actor.user_id,
        source=SOURCE,
        rows=as_rows([rows[key] for key in sorted(rows)]),
    )


_EMBEDDING = {"image-descriptor": (LAYOUT_TYPE, LAYOUT_MODEL)}
"""Of kinds whose output `vector` is an embedding: its type and model."""


def _write_embeddings(uow: UnitOfWork, actor: Actor, found: Sequence[Found]) -> None:
    rows = {
        (each.asset_id, each.kind): {
            "id": new_id_text(), "asset_id": each.asset_id, "node_kind": each.kind, "type": _EMBEDDING[each.kind][0],
            "model": _EMBEDDING[each.kind][1], "vector": each.outputs["vector"], "version": each.version,
        }
        for each in found
        if each.kind in _EMBEDDING
    }  # fmt: skip
    if rows:
        uow.execute(
            """INSERT INTO embedding (id, space_id, creator_id, editor_id, asset_id, type, model, vector, dimensions,
                   node_kind, producer_version, source)
               SELECT id, :space, :user, :user, asset_id, type, model, vector, cardinality(vector), node_kind, version,
                   :source
               FROM json_to_recordset(CAST(:rows AS json)) AS new (id uuid, asset_id uuid, node_kind text, type text,
                   model text, vector real[], version text)
               ON CONFLICT ON CONSTRAINT uq_embedding_producer DO UPDATE SET vector = excluded.vector,
                   dimensions = excluded.dimensions, producer_version = excluded.producer_version,
                   revision = embedding.revision + 1, edited = now(), editor_id = excluded.editor_id
               WHERE embedding.vector IS DISTINCT FROM excluded.vector""",
            space=actor.space_id, user=actor.user_id, source=SOURCE, rows=as_rows([rows[key] for key in sorted(rows)]),
        )  # fmt: skip


def _write_attachments(uow: UnitOfWork, actor: Actor, found: Sequence[Found]) -> None:
    """Attach what nodes have made, in the place of what the same kind has made of the asset before."""
    rows = [
        {"id": new_id_text(), "asset_id": each.asset_id, "node_kind": each.kind, **made}
        for each in found
        for made in each.made
    ]
    if not rows:
        return
    replaced: Any = uow.execute(
        """DELETE FROM attachment
           USING json_to_recordset(CAST(:rows AS json)) AS new (asset_id uuid, node_kind text)
           WHERE attachment.asset_id = new.asset_id AND attachment.node_kind = new.node_kind
           RETURNING encode(blob_sha512, 'hex')""",
        rows=as_rows(rows),
    ).all()
    uow.execute(
        """INSERT INTO attachment (id, space_id, creator_id, editor_id, asset_id, type, filename, mime_type, size,
               node_kind, blob_sha512)
           SELECT id, :space, :user, :user, asset_id, type, filename, mime_type, size, node_kind,
                  decode(sha512, 'hex')
           FROM json_to_recordset(CAST(:rows AS json)) AS new (id uuid, asset_id uuid, type text, filename text,
                mime_type text, size bigint, node_kind text, sha512 text)""",
        space=actor.space_id,
        user=actor.user_id,
        rows=as_rows(rows),
    )
    dropped = {row[0] for row in replaced} - {row["sha512"] for row in rows}
    if dropped:
        request_blob_removal(uow, actor.space_id, dropped)


def count_by_state(uow: UnitOfWork, runs: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Count the items of runs by what became of them."""
    rows = uow.fetch(
        """SELECT task_id, state, count(*) FROM run_item WHERE task_id = ANY(CAST(%(runs)s AS uuid[]))
           GROUP BY task_id, state""",
        runs=as_array(runs),
    )
    counts: dict[UUID, dict[str, int]] = {run: defaultdict(int) for run in runs}
    for run, state, count in rows:
        counts[run][state] = count
    return counts
