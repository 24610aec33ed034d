"""Asset pools: folders of the server, or parts of buckets, whose files are assets.

List is plain. The answer about one pool also tells how full it is, which is measured for that answer; creating and
changing need the settings; deleting a large pool, and scanning any, are tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError, fields, post_load, validates_schema
from marshmallow.validate import Length

from models.bodies.fields import (
    AnswerSchema,
    BlockSchema,
    ChangeSchema,
    ElementSchema,
    Flag,
    Meta,
    Name,
    RequestSchema,
    Text,
    Whole,
)
from models.bodies.filters import audit_filters, enum_filter, text_filter
from models.entities import Pool, Task, TaskState
from models.errors import InvalidInput
from models.messages import SCAN_POOL
from models.payloads import ScanPool
from models.permissions import Actor, Permission, Verb
from models.services import pools
from models.services.audit import name_users
from models.services.paging import Page
from models.services.pools import POOLS
from models.services.tasks import TASKS
from models.unit_of_work import UnitOfWork
from web.accepted import accepted, show_task
from web.auth import signed_in
from web.blueprints import describe
from web.crud import CrudSpec, Operation, crud_blueprint, show
from web.offload import in_thread
from web.pagination import PAGE_PARAMETERS, Listing, envelope, page_schema, read_page
from web.preconditions import etag_of, not_modified, require_match
from web.state import platform
from web.task_bodies import TaskSchema, task_bodies

_LONGEST_PATH = 16 * 1024
"""In our spelling, in which a byte may take four characters."""
_LONGEST_SCHEDULE = 255
_LONGEST_AGE = 366 * 24 * 3600
_LONGEST_URL = 1024
_LONGEST_BUCKET = 255
_REACH_KEYS = ("s3Region", "s3Endpoint")
_PLACE_FIELDS = ("fs_path", "url", "s3_bucket")
_URL_TEXT = "Of a part of a bucket, such as s3://bucket/folder; see LOOM_POOL_BUCKETS"


_MOST_PATTERNS = 100
_LONGEST_PATTERN = 1024


def _patterns(**options: Any) -> fields.List[Any]:
    return fields.List(Text(shortest=1, longest=_LONGEST_PATTERN), validate=Length(max=_MOST_PATTERNS), **options)


_RULES: dict[str, Any] = {
    "include": _patterns(metadata={"description": "Patterns as in `.gitignore`; only files that match one"}),
    "exclude": _patterns(metadata={"description": "No file that matches one of these, nor what lies in such a folder"}),
    "hidden": Flag(metadata={"description": "Whether also what begins with a dot; it is so by default"}),
    "min_age_seconds": Whole(
        data_key="minAgeSeconds", least=0, most=_LONGEST_AGE,
        metadata={"description": "What was changed later may still be written, and waits for the next scan"},
    ),
    "max_size": Whole(data_key="maxSize", least=0, metadata={"description": "Of a file, in bytes"}),
    "missing_percent": Whole(
        data_key="missingPercent", least=0, most=100,
        metadata={"description": "A scan that finds more than this and `missingFiles` gone is refused; 20 by default"},
    ),
    "missing_files": Whole(data_key="missingFiles", least=0, metadata={"description": "50 by default"}),
}  # fmt: skip
_WATCH_TEXT = "Whether what changes in the folder is scanned when it has come to rest, besides the schedule"
_RULES_TEXT = "What scans look at; what is not looked at keeps its state"
_RulesSchema = BlockSchema.from_dict(_RULES, name="ScanRules")
_RulesShownSchema = AnswerSchema.from_dict(_RULES, name="ScanRulesOfPool")


_ScanSchema = RequestSchema.from_dict(
    {
        "path": Text(longest=_LONGEST_PATH, metadata={"description": "Only what lies in this folder of the pool"}),
        "include": _patterns(metadata={"description": "Besides those of the pool"}),
        "exclude": _patterns(metadata={"description": "Besides those of the pool"}),
        "dry_run": Flag(data_key="dryRun", metadata={"description": "Tell what would be done, and change nothing"}),
        "confirm_missing": Whole(
            data_key="confirmMissing", least=0,
            metadata={"description": "So many files may be gone; they are missing at once then"},
        ),
        "confirm_root": Flag(
            data_key="confirmRoot", metadata={"description": "The folder may lie on another device than before"}
        ),
    },
    name="PoolScan",
)  # fmt: skip


class PoolSchema(ElementSchema):
    """Where files are. `freeSpace` and `usedSpace` are only told of a single pool."""

    name = fields.String()
    folder = fields.String(data_key="fsPath", metadata={"description": "Of a pool that is a folder"})
    url = fields.String(metadata={"description": "Of a pool in a bucket"})
    schedule = fields.String()
    is_watched = Flag(data_key="watch")
    rules = fields.Nested(_RulesShownSchema, data_key="scanRules", metadata={"description": _RULES_TEXT})
    free_space = fields.Integer(data_key="freeSpace")
    used_space = fields.Integer(data_key="usedSpace")


class _PlaceSchema(RequestSchema):
    """Where a pool is: in a folder, or in a bucket, by its URL or (`s3Bucket`) its name."""

    fs_path = Text(data_key="fsPath", shortest=1, longest=_LONGEST_PATH)
    url = Text(shortest=1, longest=_LONGEST_URL, metadata={"description": _URL_TEXT})
    s3_bucket = Text(data_key="s3Bucket", longest=_LONGEST_BUCKET, allow_none=True)

    @validates_schema(pass_original=True)
    def require_one_place(self, values: Mapping[str, Any], given: Mapping[str, Any], **_: Any) -> None:
        """A pool is in one place. How buckets are reached is for the server's operator to say."""
        if told := [key for key in _REACH_KEYS if given.get(key) is not None]:
            raise ValidationError({key: ["That is set in the server's environment (AWS_REGION)."] for key in told})
        if sum(values.get(key) is not None for key in _PLACE_FIELDS) > 1:
            raise ValidationError({"fsPath": ["A pool is a folder, or in a bucket; give fsPath, url or s3Bucket."]})

    @post_load
    def name_bucket(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Spell the name of a bucket as a URL."""
        bucket = values.pop("s3_bucket", None)
        return {**values, "url": f"s3://{bucket}"} if bucket else values


class PoolCreateSchema(_PlaceSchema):
    """A pool to be made."""

    name = Name(required=True)
    schedule = Text(
        longest=_LONGEST_SCHEDULE,
        allow_none=True,
        metadata={"description": "When to scan: a cron expression, or an interval such as `15m`; empty: never"},
    )
    is_watched = Flag(data_key="watch", metadata={"description": _WATCH_TEXT})
    scan_rules = fields.Nested(_RulesSchema, data_key="scanRules", metadata={"description": _RULES_TEXT})
    meta = Meta()


class PoolUpdateSchema(_PlaceSchema, ChangeSchema):
    """What can be changed of a pool."""

    name = Name()
    schedule = Text(longest=_LONGEST_SCHEDULE)
    is_watched = Flag(data_key="watch", metadata={"description": _WATCH_TEXT})
    scan_rules = fields.Nested(_RulesSchema, data_key="scanRules", metadata={"description": _RULES_TEXT})
    meta = Meta()


POOL_SPEC = CrudSpec(
    path="/asset-pools",
    resource=POOLS,
    description="Folders of the server, and parts of buckets, whose files are assets",
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

_SCANS = Listing(sorts={"queued": attrgetter("queued")}, filters={"state": enum_filter(Task.state, TaskState)})

blueprint = crud_blueprint(POOL_SPEC)


@blueprint.route(POOL_SPEC.path, methods=["POST"])
@signed_in(Permission.CREATE_ASSET_POOL)
@blueprint.arguments(PoolCreateSchema)
@blueprint.response(201, PoolSchema)
def create_pool(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> Response:
    """Create an asset pool of a folder that exists, or of a bucket."""
    _resolve_place(uow, actor, values)
    if "fs_path" not in values:
        raise InvalidInput("fsPath: Missing data for required field.", code="validation")
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
    _resolve_place(uow, actor, values)
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
@blueprint.arguments(_ScanSchema)
@blueprint.response(202, TaskSchema)
def scan_pool(uow: UnitOfWork, actor: Actor, values: dict[str, Any], element_id: UUID) -> Response:
    """Bring the catalogue up to date with the folder; such a scan that is under way already is joined."""
    pool = POOLS.get(uow, actor, element_id, Verb.UPDATE, lock=True)
    wanted = ScanPool(pool_uuid=pool.id, **{**values, "path": pools.folder_below(values.get("path", ""))})
    task = pools.scan_pool(uow, actor, pool, wanted, platform().settings.task_max_attempts)
    uow.commit()
    return accepted(uow, actor, task, show_task)


@blueprint.route(f"{POOL_SPEC.element_path}/scans", methods=["GET"])
@describe("List the scans of an asset pool and what they found; the last twenty are kept", *PAGE_PARAMETERS)
@signed_in(Permission.READ_ASSET_POOL)
@blueprint.response(200, page_schema(TaskSchema))
def list_scans(uow: UnitOfWork, actor: Actor, element_id: UUID) -> Response:
    """Give a page of tasks; who reads the pool reads its reports."""
    pool = POOLS.get(uow, actor, element_id)
    wanted = read_page(_SCANS).where(Task.subject_id == pool.id, Task.kind == SCAN_POOL.name)
    page: Page[Task] = TASKS.page(uow, actor, wanted)
    return jsonify(envelope(page, wanted, task_bodies(uow, actor, page.elements)))


def _resolve_place(uow: UnitOfWork, actor: Actor, values: dict[str, Any]) -> None:
    if url := values.pop("url", None):
        roots = pools.roots_of_space(uow, actor)
        values["fs_path"] = pools.bucket_in_space(url, roots, platform().settings.pool_buckets)
    elif "fs_path" in values:
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
