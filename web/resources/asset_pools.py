"""Asset pools: folders of the server whose files are assets.

List is plain. The answer about one pool also tells how full it is, which is measured for that answer; creating and
changing need the settings; deleting a large pool, and scanning any, are tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError, fields, validates_schema

from models.entities import Pool
from models.permissions import Actor, Permission, Verb
from models.services import pools
from models.services.audit import name_users
from models.services.pools import POOLS
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, show_task
from web.auth import signed_in
from web.crud import CrudSpec, Operation, crud_blueprint, show
from web.fields import ChangeSchema, ElementSchema, Meta, Name, RequestSchema, Text
from web.filters import audit_filters, text_filter
from web.offload import in_thread
from web.pagination import Listing
from web.preconditions import etag_of, not_modified, require_match
from web.state import platform
from web.task_bodies import TaskSchema

_LONGEST_PATH = 16 * 1024
"""In our spelling, in which a byte may take four characters."""
_LONGEST_SCHEDULE = 255
_BUCKET_KEYS = ("s3Bucket", "s3Region", "s3Endpoint")


class PoolSchema(ElementSchema):
    """A folder whose files are assets. `freeSpace` and `usedSpace` are only told of a single pool."""

    name = fields.String()
    fs_path = fields.String(data_key="fsPath")
    schedule = fields.String()
    free_space = fields.Integer(data_key="freeSpace")
    used_space = fields.Integer(data_key="usedSpace")


class _FolderSchema(RequestSchema):
    """What is said of a pool. One in a bucket would be another kind of storage: better refused than overlooked."""

    @validates_schema(pass_original=True)
    def refuse_buckets(self, _: Any, given: Mapping[str, Any], **__: Any) -> None:
        """A pool is a folder."""
        if told := [key for key in _BUCKET_KEYS if given.get(key) is not None]:
            raise ValidationError({key: ["A pool is a folder; it cannot be in a bucket."] for key in told})


class PoolCreateSchema(_FolderSchema):
    """A pool to be made."""

    name = Name(required=True)
    fs_path = Text(data_key="fsPath", required=True, shortest=1, longest=_LONGEST_PATH)
    schedule = Text(
        longest=_LONGEST_SCHEDULE,
        allow_none=True,
        metadata={"description": "When to scan: a cron expression, or an interval such as `15m`; empty: never"},
    )
    meta = Meta()


class PoolUpdateSchema(_FolderSchema, ChangeSchema):
    """What can be changed of a pool."""

    name = Name()
    fs_path = Text(data_key="fsPath", shortest=1, longest=_LONGEST_PATH)
    schedule = Text(longest=_LONGEST_SCHEDULE)
    meta = Meta()


POOL_SPEC = CrudSpec(
    path="/asset-pools",
    resource=POOLS,
    description="Folders of the server whose files are assets",
    answer=PoolSchema,
    create_body=PoolCreateSchema,
    update_body=PoolUpdateSchema,
    listing=Listing(
        sorts={"name": attrgetter("name"), "created": attrgetter("created"), "edited": attrgetter("edited")},
        filters={
            "name": text_filter(Pool.name),
            **audit_filters(Pool),
        },
    ),
    operations=frozenset({Operation.LIST}),
)
_SCHEMA = PoolSchema()

blueprint = crud_blueprint(POOL_SPEC)


@blueprint.route(POOL_SPEC.path, methods=["POST"])
@signed_in(Permission.CREATE_ASSET_POOL)
@blueprint.arguments(PoolCreateSchema)
@blueprint.response(201, PoolSchema)
def create_pool(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Response:
    """Create an asset pool of a folder that exists."""
    _resolve_folder(uow, actor, values)
    pool = pools.create_pool(uow, actor, values)
    uow.commit()
    return _answer(uow, actor, pool, 201)


@blueprint.route(POOL_SPEC.element_path, methods=["GET"])
@signed_in(Permission.READ_ASSET_POOL)
@blueprint.response(200, PoolSchema)
def load_pool(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Load an asset pool."""
    pool = POOLS.get(uow, actor, element_id)
    return not_modified(etag_of(pool)) or _answer(uow, actor, pool)


@blueprint.route(POOL_SPEC.element_path, methods=["POST", "PATCH"])
@signed_in(Permission.UPDATE_ASSET_POOL)
@blueprint.arguments(PoolUpdateSchema)
@blueprint.response(200, PoolSchema)
def update_pool(uow: UnitOfWork, actor: Actor, values: dict[str, Any], element_id: UUID) -> Response:
    """Change what is given of an asset pool."""
    _resolve_folder(uow, actor, values)
    pool = POOLS.get(uow, actor, element_id, Verb.UPDATE, lock=True)
    require_match(pool)
    pools.update_pool(uow, actor, pool, values)
    uow.commit()
    return _answer(uow, actor, pool)


@blueprint.route(POOL_SPEC.element_path, methods=["DELETE"])
@signed_in(Permission.DELETE_ASSET_POOL)
@blueprint.response(204)
@blueprint.alt_response(202, schema=TaskSchema)
def delete_pool(uow: UnitOfWork, actor: Actor, element_id: UUID) -> ResponseReturnValue:
    """Forget an asset pool and where its files lie; the files themselves stay."""
    pool = POOLS.get(uow, actor, element_id, Verb.DELETE, lock=True)
    require_match(pool)
    task = pools.delete_pool(uow, actor, pool, platform().settings.task_max_attempts)
    uow.commit()
    return accepted(uow, actor, task, show_task) if task else ("", 204)


@blueprint.route(f"{POOL_SPEC.element_path}/scan", methods=["POST"])
@signed_in(Permission.UPDATE_ASSET_POOL)
@blueprint.response(202, TaskSchema)
def scan_pool(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Bring the catalogue up to date with the folder; a scan that is under way already is joined."""
    pool = POOLS.get(uow, actor, element_id, Verb.UPDATE, lock=True)
    task = pools.scan_pool(uow, actor, pool, platform().settings.task_max_attempts)
    uow.commit()
    return accepted(uow, actor, task, show_task)


def _resolve_folder(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> None:
    if "fs_path" in values:
        settings = platform().settings
        roots = pools.roots_of_space(uow, actor)
        uow.release()
        values["fs_path"] = in_thread(pools.folder_in_space, values["fs_path"], roots, settings.pool_roots)
        pools.refuse_own_folders(values["fs_path"], settings.loom_home)


def _answer(uow: UnitOfWork, actor: Actor, pool: Pool, status: int = 200) -> Response:
    name_users(uow, actor, [pool])
    pool.used_space = pools.used_bytes(uow, pool)
    uow.release()
    pool.free_space = in_thread(pools.free_bytes, pool.fs_path)
    return show(_SCHEMA, pool, status)
