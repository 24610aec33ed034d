"""Making and changing many assets at once: a few statements for each batch, whatever its size.

What a batch cannot do in one go, since it hangs more on an asset or the actor's grants are narrow, is done asset by
asset by the services of single requests, each in a savepoint of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from models.errors import LoomError
from models.ids import new_id_text
from models.permissions import Actor, Permission, Verb
from models.services import assets
from models.services.asset_extras import Extras, add_extras
from models.services.changes import changes_to
from models.services.crud import Values
from models.services.libraries import keep_uploads, refer_for_upload
from models.services.tagging import tag_new_assets
from models.services.unwanted import BLACKLISTED, REFUSAL, find_blacklisted
from models.unit_of_work import UnitOfWork, as_array, as_rows

DUPLICATE = "duplicate"
_HEX = ("sha512", "sha256", "md5")
_TYPES = {
    "size": "bigint", "mime_type": "text", "filename": "text", "origin": "text", "chunk_hash": "text", "geo": "jsonb",
    "meta": "jsonb", "zero_chunk_count": "bigint", "fingerprint": "text", **dict.fromkeys(_HEX, "text"),
}  # fmt: skip
"""Columns that a batch writes, and how JSON spells them."""
_CHANGEABLE = tuple(name for name in _TYPES if name != "sha512")
_NO_EXTRAS = Extras()
_MOST_STATEMENTS = 8


@dataclass(slots=True)
class WantedAsset:
    """An item: columns of an asset, what to hang on it, and where to put it."""

    index: int
    columns: Values
    extras: Extras = _NO_EXTRAS
    libraries: Sequence[UUID] = ()

    sha512: str = field(init=False)
    """Which asset is meant."""

    def __post_init__(self) -> None:
        """Take out what is looked at again and again."""
        self.sha512 = self.columns["sha512"]


@dataclass
class Results:
    """What became of the items: assets by index, and problems (a code and a sentence) by index."""

    done: dict[int, UUID] = field(default_factory=dict)
    problems: dict[int, tuple[str, str]] = field(default_factory=dict)
    existing: dict[int, UUID] = field(default_factory=dict)
    """Those of which there was an asset already; nothing was changed about it."""


def create_many(uow: UnitOfWork, actor: Actor, wanted: Sequence[WantedAsset]) -> Results:
    """Make assets that await their bytes; each content once."""
    results = Results()
    actor.require(Permission.CREATE_ASSET)
    welcome = _refuse_blacklisted(uow, actor, wanted, results)
    allowed = _refuse_libraries(uow, actor, welcome, results)
    plain, others = _part(actor, allowed)
    created = _insert(uow, actor, plain)
    for item in plain:
        if item.sha512 in created:
            results.done[item.index] = created.pop(item.sha512)
    _hang(uow, actor, plain, results)
    for item in sorted(others, key=_hash_of):
        _alone(uow, results, item, partial(_create_one, uow, actor, item))
    _find_existing(uow, actor, allowed, results)
    return results


def _refuse_blacklisted(
    uow: UnitOfWork, actor: Actor, wanted: Sequence[WantedAsset], results: Results
) -> list[WantedAsset]:  # fmt: skip
    listed = find_blacklisted(uow, actor.space_id, [item.sha512 for item in wanted])
    results.problems |= {item.index: (BLACKLISTED, REFUSAL) for item in wanted if item.sha512 in listed}
    return [item for item in wanted if item.sha512 not in listed]


def _refuse_libraries(
    uow: UnitOfWork, actor: Actor, wanted: Sequence[WantedAsset], results: Results
) -> list[WantedAsset]:  # fmt: skip
    """Look at each library once, however many items name it."""
    refused: dict[UUID, tuple[str, str]] = {}
    for library_id in {library_id for item in wanted for library_id in item.libraries}:
        try:
            refer_for_upload(uow, actor, library_id)
        except LoomError as error:
            refused[library_id] = error.code, error.message
    for item in wanted:
        if problem := next((refused[each] for each in item.libraries if each in refused), None):
            results.problems[item.index] = problem
    return [item for item in wanted if item.index not in results.problems]


def _part(actor: Actor, items: Sequence[WantedAsset]) -> tuple[list[WantedAsset], list[WantedAsset]]:
    """Tell the items that can be made all at once from the others."""
    parted: tuple[list[WantedAsset], list[WantedAsset]] = [], []
    for item in items:
        parted[item.extras is not _NO_EXTRAS and not _is_plain(actor, item.extras)].append(item)
    return parted


def _is_plain(actor: Actor, extras: Extras) -> bool:
    is_tagged_plainly = actor.may(Permission.TAG_ASSET) and not any(tag.get("uuid") for tag in extras.tags)
    return not (extras.annotations or extras.components or extras.embeddings) and (not extras.tags or is_tagged_plainly)


def _insert(uow: UnitOfWork, actor: Actor, items: Sequence[WantedAsset]) -> dict[str, UUID]:
    """Insert rows in the order of their key; gives the ids of those that are new, by hash."""
    first: dict[str, WantedAsset] = {}
    for item in items:
        first.setdefault(item.sha512, item)
    rows = [{"id": new_id_text(), **first[sha512].columns} for sha512 in sorted(first)]
    if not rows:
        return {}
    names = [name for name in _TYPES if any(name in row for row in rows)]
    count = uow.execute(
        f"""INSERT INTO asset (id, space_id, creator_id, editor_id, {", ".join(names)})
            SELECT id, :space, :user, :user, {", ".join(map(_read, names))}
            FROM json_to_recordset(CAST(:rows AS json)) AS new (id uuid, {_declared(names)})
            ON CONFLICT (space_id, sha512) DO NOTHING""",  # noqa: S608 - constants
        space=actor.space_id, user=actor.user_id, rows=as_rows(rows),
    ).rowcount  # fmt: skip
    created = {row["sha512"]: UUID(row["id"]) for row in rows}
    if count < len(rows):
        ids = uow.fetch("SELECT id FROM asset WHERE id = ANY(%(ids)s::uuid[])", ids=as_array(list(created.values())))
        made = {row[0] for row in ids}
        created = {sha512: asset_id for sha512, asset_id in created.items() if asset_id in made}
    uow.publish_each(assets.ASSETS.created, actor.space_id, sorted(created.values()), actor.user_id)
    return created


def _read(name: str, table: str = "") -> str:
    if name in _HEX:
        return f"decode({table}{name}, 'hex')"
    return f"COALESCE({table}{name}, '{{}}')" if name == "meta" else f"{table}{name}"


def _declared(names: Sequence[str]) -> str:
    return ", ".join(f"{name} {_TYPES[name]}" for name in names)


def _hang(uow: UnitOfWork, actor: Actor, items: Sequence[WantedAsset], results: Results) -> None:
    """Put tags on new assets, and the assets into libraries."""
    made = [(results.done[item.index], item) for item in items if item.index in results.done]
    tag_new_assets(uow, actor, {asset_id: item.extras.tags for asset_id, item in made if item.extras.tags})
    members: dict[UUID, list[UUID]] = defaultdict(list)
    for asset_id, item in made:
        for library_id in item.libraries:
            members[library_id].append(asset_id)
    for library_id in sorted(members):
        keep_uploads(uow, actor.space_id, actor.user_id, library_id, members[library_id])


def _create_one(uow: UnitOfWork, actor: Actor, item: WantedAsset) -> UUID:
    asset = assets.create_asset(uow, actor, item.columns)
    add_extras(uow, actor, asset.id, item.extras)
    for library_id in sorted(item.libraries):
        keep_uploads(uow, actor.space_id, actor.user_id, library_id, [asset.id])
    return asset.id


def _alone(uow: UnitOfWork, results: Results, item: WantedAsset, act: Callable[[], UUID]) -> None:
    try:
        with uow.savepoint():
            results.done[item.index] = act()
    except LoomError as error:
        results.problems[item.index] = error.code, error.message


def _find_existing(uow: UnitOfWork, actor: Actor, items: Sequence[WantedAsset], results: Results) -> None:
    """Say of contents that there was an asset of, which one, if the actor may know."""
    left = [item for item in items if item.index not in results.done and item.index not in results.problems]
    left += [item for item in items if results.problems.get(item.index, ("",))[0] == "conflict"]
    known = assets.find_readable(uow, actor, [item.sha512 for item in left]) if left else {}
    for item in left:
        if item.sha512 in known:
            results.problems.pop(item.index, None)
            results.existing[item.index] = known[item.sha512]
        else:
            results.problems.setdefault(item.index, (DUPLICATE, "There is an asset of this content already"))


def update_many(uow: UnitOfWork, actor: Actor, wanted: Sequence[WantedAsset]) -> Results:
    """Change the assets of these contents; saying what is so already is no change."""
    results = Results()
    plain = [item for item in wanted if not item.extras and actor.may(Permission.UPDATE_ASSET)]
    _change_unseen(uow, actor, plain, results)
    _change_held(uow, actor, [item for item in plain if item.index not in results.done], results)
    for item in wanted:
        if item.index not in results.done and item.index not in results.problems:
            _alone(uow, results, item, partial(_update_one, uow, actor, item))
    return results


def _change_unseen(uow: UnitOfWork, actor: Actor, items: Sequence[WantedAsset], results: Results) -> None:
    """Change what differs, without looking at it before: a statement for all that change the same columns.

    That is for who may read all, and for the first item of each content. What it leaves (no such asset, nothing to
    change, another content) is to be looked at.
    """
    alike: dict[tuple[str, ...], list[WantedAsset]] = defaultdict(list)
    seen: set[str] = set()
    for item in items if actor.may(Permission.READ_ASSET) else ():
        if item.sha512 not in seen and len(item.columns) > 1:
            alike[tuple(sorted(item.columns.keys() - {"sha512"}))].append(item)
        seen.add(item.sha512)
    for names in sorted(alike, key=lambda names: -len(alike[names]))[:_MOST_STATEMENTS]:
        by_hash = {item.sha512: item.index for item in alike[names]}
        changed = _write(uow, actor, names, [item.columns for item in sorted(alike[names], key=_hash_of)])
        results.done |= {by_hash[sha512]: asset_id for asset_id, sha512 in changed}


def _hash_of(item: WantedAsset) -> str:
    return item.sha512


def _change_held(uow: UnitOfWork, actor: Actor, items: Sequence[WantedAsset], results: Results) -> None:
    found = assets.hold_many(uow, actor, [item.sha512 for item in items], _CHANGEABLE) if items else {}
    changed: dict[UUID, SimpleNamespace] = {}
    names: set[str] = set()
    for item in items:
        if item.sha512 in found:
            _change(found[item.sha512], item, results, changed, names)
        else:
            results.problems[item.index] = assets.missing(item.sha512).code, assets.missing(item.sha512).message
    _write_changes(uow, actor, changed, sorted(names))


def _change(
    held: SimpleNamespace, item: WantedAsset, results: Results, changed: dict[UUID, SimpleNamespace], names: set[str]
) -> None:
    """Change what is held of an asset, for all of them to be written at once."""
    try:
        assets.require_content_kept(held, item.columns)
    except LoomError as error:
        results.problems[item.index] = error.code, error.message
        return
    if changes := changes_to(held, item.columns):
        vars(held).update(changes)
        changed[held.id] = held
        names.update(changes)
    results.done[item.index] = held.id


def _write_changes(
    uow: UnitOfWork, actor: Actor, changed: Mapping[UUID, SimpleNamespace], names: Sequence[str]
) -> None:  # fmt: skip
    if changed:
        held = [{name: getattr(asset, name) for name in ("sha512", *names)} for asset in changed.values()]
        _write(uow, actor, names, held)


def _write(uow: UnitOfWork, actor: Actor, names: Sequence[str], rows: Sequence[Values]) -> Sequence[tuple[UUID, str]]:
    """Set columns of the assets of these contents, unless they are so; gives id and hash of those that were changed."""
    new = [_read(name, "new.") for name in names]
    kept = " AND asset.size = new.size" if "size" in names else ""
    changed: Any = uow.execute(
        f"""UPDATE asset SET {", ".join(f"{name} = {value}" for name, value in zip(names, new, strict=True))},
                revision = revision + 1, edited = now(), editor_id = :user
            FROM json_to_recordset(CAST(:rows AS json)) AS new (sha512 text, {_declared(names)})
            WHERE asset.space_id = :space AND asset.sha512 = decode(new.sha512, 'hex'){kept}
                AND ({", ".join(f"asset.{name}" for name in names)}) IS DISTINCT FROM ({", ".join(new)})
            RETURNING asset.id, new.sha512""",  # noqa: S608 - constants
        user=actor.user_id, space=actor.space_id, rows=as_rows(rows),
    ).all()  # fmt: skip
    uow.publish_each(assets.ASSETS.updated, actor.space_id, sorted(row[0] for row in changed), actor.user_id)
    return list(changed)


def _update_one(uow: UnitOfWork, actor: Actor, item: WantedAsset) -> UUID:
    asset = assets.get_asset(uow, actor, item.sha512, Verb.UPDATE, lock=True)
    assets.update_asset(uow, actor, asset, item.columns)
    add_extras(uow, actor, asset.id, item.extras)
    return asset.id
