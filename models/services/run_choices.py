"""Which assets a run is for, as conditions: types, places, and what was found out about them by older kinds of node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select

from models.entities import Asset, Location, LocationState, NodeResult
from models.paths import decode_path
from models.payloads import RunPipeline
from models.services.visibility import in_libraries

Condition = ColumnElement[bool]


def conditions_of(payload: RunPipeline, versions: Mapping[str, str]) -> list[Condition]:
    """Tell which assets a run is for, but for lists and filters. `versions` are those of the kinds in the graph."""
    wanted: list[Condition] = []
    if payload.mime_types:
        wanted.append(or_(*(Asset.mime_type.like(_like(pattern.encode()).decode()) for pattern in payload.mime_types)))
    if payload.pool_uuids or payload.path_globs:
        wanted.append(_lies_in(payload).exists())
    if payload.library_uuids:
        wanted.append(in_libraries(Asset.id, frozenset(payload.library_uuids)))
    if payload.is_outdated:
        wanted.append(_outdated(versions))
    return wanted


def _lies_in(payload: RunPipeline) -> Select[Any]:
    query = select(Location.id).where(Location.asset_id == Asset.id, Location.state == LocationState.PRESENT)
    if payload.pool_uuids:
        query = query.where(Location.pool_id.in_(payload.pool_uuids))
    if payload.path:
        query = query.where(_is_below(decode_path(payload.path.rstrip("/"))))
    if payload.path_globs:
        query = query.where(or_(*(_matches(pattern) for pattern in payload.path_globs)))
    return query


def _is_below(path: bytes) -> Condition:
    """The file of that path, or all below the folder; `0` comes behind `/`."""
    return or_(Location.path == path, and_(Location.path > path + b"/", Location.path < path + b"0"))


def _matches(pattern: str) -> Condition:
    return Location.path.bool_op("LIKE")(_like(decode_path(pattern)))


def _outdated(versions: Mapping[str, str]) -> Condition:
    """Of some kind there is a result of another version, and none of this one."""
    return or_(
        false(), *(_has(NodeResult.kind == kind, NodeResult.version != version)
                   & ~_has(NodeResult.kind == kind, NodeResult.version == version)
                   for kind, version in sorted(versions.items()))
    )  # fmt: skip


def _has(*conditions: Condition) -> Condition:
    return select(NodeResult.kind).where(NodeResult.asset_id == Asset.id, *conditions).exists()


def _like(pattern: bytes) -> bytes:
    """Spell a pattern with `*` and `?` for LIKE, in which a backslash escapes."""
    escaped = pattern.replace(b"\\", b"\\\\").replace(b"%", b"\\%").replace(b"_", b"\\_")
    return escaped.replace(b"*", b"%").replace(b"?", b"_")
