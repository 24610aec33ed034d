"""A small catalogue in which each kind of task has something to do."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from PIL import Image

from models.entities import Asset, Pool, Task, Webhook
from models.events import NewEvent
from models.ids import new_id
from models.messages import KINDS, TaskKind
from models.payloads import (
    AnnounceAssets,
    ApplyDuplicates,
    BulkAssets,
    ChangeChosen,
    CollectGarbage,
    DeleteBlob,
    DeleteCollection,
    DeleteLibrary,
    DeletePool,
    DeleteTag,
    DropIndex,
    FindClusters,
    FindDuplicates,
    ImportAsset,
    IndexVectors,
    Payload,
    ReconcileIndex,
    Reindex,
    ReplayWebhook,
    RunPipeline,
    ScanPool,
    SearchByImage,
    StoreAttachment,
    StoreBinary,
    Sweep,
    VerifyPool,
)
from models.permissions import Actor
from models.services import assets, tasks
from models.services.pipelines import create_pipeline
from models.storage import blob_key, staging_key
from models.wiring import Platform
from workers.inline import run_all

CONTENT = b"the same bytes, however often they come"
SHA512 = hashlib.sha512(CONTENT).hexdigest()
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class World:
    """A small catalogue that each kind of task has something to do in."""

    platform: Platform
    actor: Actor
    root: Path
    url: str
    """Of a server that gives the content to everybody."""

    def set_up(self, kind: TaskKind) -> tuple[Payload, UUID | None]:
        """Make what the task works on; gives its payload and subject."""
        makers: dict[str, Callable[[], tuple[Payload, UUID | None]]] = {
            "pools.scan": self._scan,
            "pools.delete": self._delete_pool,
            "libraries.delete": lambda: self._delete_holder("library"),
            "collections.delete": lambda: self._delete_holder("collection"),
            "tags.delete": lambda: self._delete_holder("tag"),
            "assets.announce": self._announce,
            "assets.store-binary": self._store_binary,
            "assets.import": lambda: (ImportAsset(url=f"{self.url}/a.txt"), None),
            "assets.bulk-create": self._bulk_create,
            "assets.bulk-update": self._bulk_update,
            "assets.change-chosen": self._change_chosen,
            "pipelines.run": self._run_pipeline,
            "search.by-image": self._search_by_image,
            "attachments.store": self._store_attachment,
            "storage.delete-blob": self._delete_blob,
            "search.reindex": lambda: (Reindex(), None),
            "search.reconcile": self._reconcile,
            "search.drop": lambda: (DropIndex(index="vectors"), None),
            "search.index-vectors": lambda: (IndexVectors(), None),
            "webhooks.replay": self._replay_webhook,
            "clusters.find": self._find_clusters,
            "dedup.find": lambda: (self._find_duplicates(), None),
            "dedup.apply": self._apply_duplicates,
            "pools.verify": self._verify,
            "storage.gc": lambda: (CollectGarbage(), None),
            "maintenance.sweep": lambda: (Sweep(), None),
        }
        return makers[kind.name]()

    def _pool(self) -> UUID:
        for number in range(600):
            (self.root / f"{number}.txt").write_text(str(number % 500))
        pool = Pool(id=new_id(), space_id=self.actor.space_id, name="media", fs_path=os.fspath(self.root))
        with self.platform.unit_of_work() as uow:
            uow.session.add(pool)
            uow.commit()
        return pool.id

    def _scan(self) -> tuple[Payload, UUID | None]:
        pool = self._pool()
        return ScanPool(pool_uuid=pool), pool

    def _delete_pool(self) -> tuple[Payload, UUID | None]:
        payload, pool = self._scan()
        self.submit(KINDS["pools.scan"], payload, pool)
        run_all(self.platform)
        assert pool is not None
        return DeletePool(pool_uuid=pool), pool

    def _announce(self) -> tuple[Payload, UUID | None]:
        _, pool = self._delete_pool()
        assert pool is not None
        return AnnounceAssets(source="pool", source_uuid=pool), None

    def _delete_holder(self, name: str) -> tuple[Payload, UUID | None]:
        """Make a library, collection or tag that has all assets of a pool."""
        self._delete_pool()
        key, rest = new_id(), {"collection": ("position", "1"), "tag": ("id", "gen_random_uuid()")}
        column, value = rest.get(name, ("added", "now()"))
        table = "asset_tag" if name == "tag" else f"{name}_asset"
        with self.platform.unit_of_work() as uow:
            uow.execute(f"INSERT INTO {name} (id, space_id, name) VALUES (:id, :space, 'x')",
                        id=key, space=self.actor.space_id)  # fmt: skip
            uow.execute(
                f"INSERT INTO {table} ({name}_id, asset_id, {column}) SELECT :id, id, {value} FROM asset", id=key
            )
            uow.commit()
        payloads: dict[str, type[Payload]] = {
            "library": DeleteLibrary,
            "collection": DeleteCollection,
            "tag": DeleteTag,
        }
        return payloads[name].model_validate({f"{name}_uuid": key}), key

    def _stage(self, content: bytes = CONTENT) -> tuple[str, int]:
        key = staging_key(new_id())
        writer = self.platform.blobs.write(key)
        size = writer.write(content)
        writer.commit()
        return key, size

    def _verify(self) -> tuple[Payload, UUID | None]:
        _, pool = self._delete_pool()
        place = self.root / "7.txt"
        times = place.stat()
        place.write_text("x")
        os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
        return VerifyPool(pool_uuid=pool), pool

    def _bulk_create(self) -> tuple[Payload, UUID | None]:
        items = [
            {"sha512": f"{number:0128x}", "filename": f"{number}.txt", "tags": [{"name": f"tag {number % 3}"}]}
            for number in range(1200)
        ]
        return self._bulk(items), None

    def _bulk_update(self) -> tuple[Payload, UUID | None]:
        with self.platform.unit_of_work() as uow:
            for number in range(30):
                values = {"sha512": f"{number:0128x}", "filename": "before", "mime_type": "text/plain", "size": 0}
                assets.create_asset(uow, self.actor, {**values, "origin": "test"})
            uow.commit()
        return self._bulk(
            [
                {"hashes": {"sha512": f"{number:0128x}"}, "update": {"file": {"filename": "after"}}}
                for number in range(30)
            ]
        ), None

    def _find_duplicates(self) -> Payload:
        self._delete_pool()  # scans it
        return FindDuplicates()

    def _apply_duplicates(self) -> tuple[Payload, UUID | None]:
        """Confirm that files with the same content are."""
        self.submit(KINDS["dedup.find"], self._find_duplicates(), None)
        run_all(self.platform)
        with self.platform.unit_of_work() as uow:
            uow.execute("UPDATE dedup_group SET review_status = 'CONFIRMED'")
            uow.commit()
        return ApplyDuplicates(), None

    def _replay_webhook(self) -> tuple[Payload, UUID | None]:
        hook = Webhook(
            id=new_id(), space_id=self.actor.space_id, url="http://127.0.0.1/", secret_token="a secret",
            editor_id=self.actor.user_id,
        )  # fmt: skip
        with self.platform.unit_of_work() as uow:
            uow.session.add(hook)
            uow.commit()
        self._pool()
        with self.platform.unit_of_work() as uow:
            for number in range(3):
                uow.publish(NewEvent("tag.created", self.actor.space_id, UUID(int=number)))
            uow.commit()
        return ReplayWebhook(webhook_uuid=hook.id), hook.id

    def _find_clusters(self) -> tuple[Payload, UUID | None]:
        self._delete_pool()  # scans it
        with self.platform.unit_of_work() as uow:
            uow.execute(
                """INSERT INTO embedding (id, space_id, asset_id, type, vector, dimensions)
                   SELECT gen_random_uuid(), space_id, id, 'FACE', ARRAY[1, size % 2], 2 FROM asset"""
            )
            uow.commit()
        return FindClusters(type="FACE"), None

    def _reconcile(self) -> tuple[Payload, UUID | None]:
        self._delete_pool()  # scans it
        self.submit(KINDS["search.reindex"], Reindex(), None)
        run_all(self.platform)
        return ReconcileIndex(), None

    def _change_chosen(self) -> tuple[Payload, UUID | None]:
        self._bulk_update()
        tags = {"tags": [{"name": "chosen"}]}
        return ChangeChosen(action="tag", filter=("origin[eq]=test",), body=tags), None

    def _run_pipeline(self) -> tuple[Payload, UUID | None]:
        """Pictures and others, one of them broken."""
        for number in range(3):
            buffer = BytesIO()
            Image.new("RGB", (64, 48), (80 * number, 0, 0)).save(buffer, "PNG")
            self._store(buffer.getvalue()[: None if number else 60], f"{number}.png")
        self._store(CONTENT, "a.txt")
        kinds = ("thumbnail", "md5", "quality")
        definition = {
            "nodes": [{"id": "s", "type": "asset-source"}, *({"id": kind, "type": kind} for kind in kinds)],
            "edges": [{"source": "s", "target": kind} for kind in kinds],
        }
        with self.platform.unit_of_work() as uow:
            pipeline = create_pipeline(uow, self.actor, {"name": str(new_id()), "definition": definition})
            uow.commit()
        return RunPipeline(pipeline_uuid=pipeline.id, version=1, filter=("size[gte]=1",)), pipeline.id

    def _store(self, content: bytes, name: str) -> None:
        self.submit(KINDS["assets.store-binary"], StoreBinary(pieces=(self._stage(content),), filename=name), None)
        run_all(self.platform)

    def _bulk(self, items: list[dict[str, Any]]) -> Payload:
        key = staging_key(new_id())
        writer = self.platform.blobs.write(key)
        size = writer.write(b"\n".join(orjson.dumps(item) for item in items))
        writer.commit()
        return BulkAssets(pieces=((key, size),), filename="list", format="ndjson")

    def _store_binary(self) -> tuple[Payload, UUID | None]:
        return StoreBinary(pieces=(self._stage(),), filename="a.txt"), None

    def _search_by_image(self) -> tuple[Payload, UUID | None]:
        buffer = BytesIO()
        Image.new("RGB", (64, 48), (200, 0, 0)).save(buffer, "PNG")
        return SearchByImage(pieces=(self._stage(buffer.getvalue()),), filename="a.png"), None

    def _store_attachment(self) -> tuple[Payload, UUID | None]:
        values = {"sha512": "ab" * 64, "size": 1, "mime_type": "x/y", "filename": "a", "origin": "test"}
        with self.platform.unit_of_work() as uow:
            asset = assets.create_asset(uow, self.actor, values)
            uow.commit()
        return StoreAttachment(pieces=(self._stage(),), filename="b.txt", type="PROXY", asset_uuid=asset.id), asset.id

    def _delete_blob(self) -> tuple[Payload, UUID | None]:
        payload, _ = self._store_binary()
        self.submit(KINDS["assets.store-binary"], payload, None)
        run_all(self.platform)
        with self.platform.unit_of_work() as uow:
            asset: Asset = uow.session.query(Asset).one()
            asset.blob_sha512 = None
            uow.commit()
        return DeleteBlob(hashes=(SHA512,)), None

    def submit(self, kind: TaskKind, payload: Payload, subject: UUID | None) -> UUID:
        with self.platform.unit_of_work() as uow:
            task = tasks.submit(
                uow, kind, payload, space_id=self.actor.space_id, title="twice", max_attempts=3, actor=self.actor,
                subject_id=subject,
            )  # fmt: skip
            uow.commit()
        return task.id

    def task(self, task_id: UUID) -> Task:
        with self.platform.unit_of_work() as uow:
            return tasks.get_task(uow, self.actor, task_id)

    def state(self) -> dict[str, Any]:
        """All that a caller could see, without ids and times."""
        queries = {
            "assets": "SELECT encode(sha512, 'hex'), size, mime_type, blob_sha512 IS NULL FROM asset",
            "places": """SELECT encode(path, 'hex'), location.state, encode(sha512, 'hex') FROM location
                         JOIN asset ON asset.id = asset_id""",
            "attachments": """SELECT encode(blob_sha512, 'hex'), filename, mime_type, type, asset_id IS NULL
                              FROM attachment""",
            "pools": "SELECT name FROM pool",
            "run items": "SELECT index, filename, state, message FROM run_item",
            "results": "SELECT kind, version, outputs FROM node_result",
            "components": "SELECT type, node_id, payload FROM component",
            "clusters": "SELECT count(*) FROM cluster_member GROUP BY cluster_id",
            "duplicates": "SELECT role, score, size FROM dedup_member",
            "holders": """SELECT name FROM library UNION ALL SELECT name FROM collection
                          UNION ALL SELECT name FROM tag""",
            "blobs": "SELECT encode(sha512, 'hex'), size FROM blob",
            "events": "SELECT type, count(*) FROM event WHERE type !~ '^(task|policy)[.]' GROUP BY type",
            "items": """SELECT subject, state, code FROM task_item UNION ALL
                        SELECT item ->> 1, item ->> 2, item ->> 3
                        FROM task_item_run, jsonb_array_elements(convert_from(items, 'UTF8')::jsonb) AS item""",
        }
        with self.platform.unit_of_work() as uow:
            found = {name: sorted(map(repr, uow.execute(query).all())) for name, query in queries.items()}
        found["items"] = sorted(_ID.sub("an id", item) for item in found["items"])
        found["bytes"] = [str(self.platform.blobs.size(blob_key(SHA512)))]
        return found
