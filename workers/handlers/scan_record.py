"""The end of a scan part: its files become assets, locations, events and counts, all in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from models.events import ASSET_CREATED, ASSET_UPDATED
from models.paths import decode_path
from models.payloads import ScanPool
from models.services import ingest
from models.services.ingest import NewAsset, NewLocation
from models.services.task_items import ItemOutcome
from models.services.task_parts import Outcome
from models.services.unwanted import BLACKLISTED, REFUSAL, find_blacklisted
from models.unit_of_work import UnitOfWork
from workers.handlers.scan_files import NewContent, ScannedPart
from workers.handling import Step
from workers.processing.pool_files import PoolFiles, open_pool

ORIGIN = "pool"


def record(uow: UnitOfWork, step: Step[ScanPool], part: ScannedPart) -> Outcome:
    """Write what a part found and count it."""
    _leave_out_unwanted(uow, step, part)
    outcome = Outcome(items=part.outcomes)
    outcome.failed = sum(item.state == "FAILED" for item in part.outcomes)
    outcome.skipped = len(part.outcomes) - outcome.failed
    outcome.done = len(part.contents) + len(part.gone) + len(part.back) + part.unneeded
    outcome.bytes_done = outcome.counts["bytesHashed"] = sum(content.found.size for content in part.contents)
    if part.contents:
        _record_contents(uow, step, part.root.path, part.contents, outcome.counts)
    _record_presence(uow, step, part, outcome.counts)
    return outcome


def _leave_out_unwanted(uow: UnitOfWork, step: Step[ScanPool], part: ScannedPart) -> None:
    """Turn files whose content is blacklisted into outcomes of their own.

    A place that had such a content before keeps it; a place that had another has that no more.
    """
    unwanted = find_blacklisted(uow, step.space_id, list({content.sha512 for content in part.contents}))
    if not unwanted:
        return
    known = ingest.find_assets(uow, step.space_id, list(unwanted))
    new = [each for each in part.contents if each.sha512 in unwanted and not _was_there(each, known)]
    refused = {each.found.path: each for each in new}
    for item in step.claim.payload["items"]:
        if decode_path(item["path"]) in refused:
            part.outcomes.append(ItemOutcome(item["index"], item["path"], "SKIPPED", BLACKLISTED, REFUSAL, input=item))
    part.contents = [each for each in part.contents if each.found.path not in refused]
    _give_places_up(uow, step, [path for path, each in refused.items() if each.asset_id is not None])


def _give_places_up(uow: UnitOfWork, step: Step[ScanPool], paths: Sequence[bytes]) -> None:
    """Note that what lay at these paths has been overwritten."""
    if paths:
        _publish(uow, step, ASSET_UPDATED, set(ingest.mark_replaced(uow, step.task_id, step.payload.pool_uuid, paths)))


def _was_there(content: NewContent, known: Mapping[str, UUID]) -> bool:
    return content.asset_id is not None and known.get(content.sha512) == content.asset_id


def _record_contents(
    uow: UnitOfWork, step: Step[ScanPool], root: bytes, contents: Sequence[NewContent], counts: dict[str, int]
) -> None:
    ids, new = ingest.ensure_assets(
        uow, step.space_id, step.creator_id, ORIGIN, [_asset(content) for content in contents]
    )
    places = [(content, _location(content, ids[content.sha512])) for content in contents]
    moves = _find_moves(uow, step, root, [place for content, place in places if _is_new_path(content, place, new)])
    moved_paths = {place.path for _, place in moves}
    if moves:
        ingest.move_locations(uow, moves)
    ingest.put_locations(uow, step.payload.pool_uuid, [place for _, place in places if place.path not in moved_paths])
    _count(counts, places, moved_paths, new)
    _publish(uow, step, ASSET_CREATED, new)
    _publish(uow, step, ASSET_UPDATED, _touched_assets(places, new))


def _asset(content: NewContent) -> NewAsset:
    return NewAsset(content.sha512, content.found.size, content.mime_type, content.filename)


def _location(content: NewContent, asset_id: UUID) -> NewLocation:
    path, *version = content.found
    return NewLocation(path, asset_id, *version)


def _is_new_path(content: NewContent, place: NewLocation, new: set[UUID]) -> bool:
    return content.was == "NEW" and place.asset_id not in new


def _find_moves(
    uow: UnitOfWork, step: Step[ScanPool], root: bytes, places: Sequence[NewLocation]
) -> list[tuple[UUID, NewLocation]]:
    """Pair new paths with known places of the same content whose file is gone: these files have moved."""
    if not places:
        return []
    known = ingest.lock_places(uow, step.payload.pool_uuid, sorted({place.asset_id for place in places}))
    with open_pool(root, lambda _: None) as files:
        gone = [old for old in known if _is_gone(files, old.path)]
    arrived = {place.path for place in places}
    moves = []
    for place in places:
        old = next((old for old in gone if old.asset_id == place.asset_id and old.path not in arrived), None)
        if old:
            gone.remove(old)
            moves.append((old.id, place))
    return moves


def _is_gone(files: PoolFiles, path: bytes) -> bool:
    try:
        return not files.has(path)
    except OSError:
        return False  # where nobody may look, the file may well be


def _count(
    counts: dict[str, int], places: Sequence[tuple[NewContent, NewLocation]], moved: set[bytes], new: set[UUID]
) -> None:
    first_of = set(new)
    for content, place in places:
        is_first = place.asset_id in first_of
        first_of.discard(place.asset_id)
        name = _describe(content, place, moved)
        counts[name] = counts.get(name, 0) + 1
        if name == "new" and not is_first:
            counts["duplicates"] = counts.get("duplicates", 0) + 1


def _describe(content: NewContent, place: NewLocation, moved: set[bytes]) -> str:
    if place.path in moved:
        return "moved"
    if content.was == "CHANGED":
        return "touched" if content.asset_id == place.asset_id else "changed"
    return content.was.lower()


def _touched_assets(places: Sequence[tuple[NewContent, NewLocation]], new: set[UUID]) -> set[UUID]:
    """Assets that were known and whose places have changed: the one that came and the one that left."""
    now = {place.asset_id for content, place in places if place.asset_id != content.asset_id}
    before = {content.asset_id for content, place in places if content.asset_id not in (None, place.asset_id)}
    return {asset_id for asset_id in now | before if asset_id is not None} - new


def _record_presence(uow: UnitOfWork, step: Step[ScanPool], part: ScannedPart, counts: dict[str, int]) -> None:
    if part.gone:
        ids = [UUID(item["id"]) for item in part.gone]
        paths = [decode_path(item["path"]) for item in part.gone]
        at_once = step.payload.confirm_missing > 0
        missing = ingest.mark_unseen(uow, step.task_id, ids, paths, at_once=at_once)
        _publish(uow, step, ASSET_UPDATED, set(missing))
    if part.back:
        restored = ingest.restore_present(uow, [UUID(item["id"]) for item in part.back])
        counts["returned"] = counts.get("returned", 0) + len(restored)
        counts["unchanged"] = counts.get("unchanged", 0) + len(part.back) - len(restored)
        _publish(uow, step, ASSET_UPDATED, set(restored))


def _publish(uow: UnitOfWork, step: Step[ScanPool], kind: str, asset_ids: Iterable[UUID]) -> None:
    uow.publish_each(kind, step.space_id, sorted(asset_ids), step.creator_id)
