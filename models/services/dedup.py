"""Groups of duplicates: proposed by machines or callers, decided about by people.

A set of members that was decided about is not proposed again. Who sees groups sees assets: without READ_ASSET for all
of the space there is nothing to be seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from models.entities import DedupGroup, DedupMember, DedupRole, Review
from models.errors import Conflict, InvalidInput
from models.permissions import Actor, Entity, Permission
from models.services.assets import ASSETS
from models.services.crud import Resource, Values
from models.services.visibility import seen_with_all_assets
from models.unit_of_work import UnitOfWork

FEWEST_MEMBERS = 2


@dataclass(frozen=True)
class Candidate:
    """Who may be the same as others: an asset, or one of the places of its content."""

    asset_id: UUID
    size: int
    score: float = 1.0
    location_id: UUID | None = None


@dataclass(frozen=True)
class Proposal:
    """A group to be proposed: what is kept, and what is like it."""

    algorithm: str
    keeper: Candidate
    others: Sequence[Candidate]

    @property
    def members_key(self) -> str:
        """What stands for who the members are."""
        names = sorted(f"{each.asset_id}/{each.location_id or ''}" for each in (self.keeper, *self.others))
        return hashlib.sha256(" ".join(names).encode()).hexdigest()

    @property
    def score(self) -> float:
        """That of the member that is least like what is kept."""
        return min((each.score for each in self.others), default=1.0)


DEDUPS = Resource(DedupGroup, "duplicate group", Entity.DEDUP, within=seen_with_all_assets)


def show_members(uow: UnitOfWork, actor: Actor, groups: Sequence[DedupGroup]) -> None:
    """Put its members beside each group as `members`, and who is kept as `keep_asset_id`."""
    query = select(DedupMember).where(DedupMember.group_id.in_([group.id for group in groups]))
    by_group: dict[UUID, list[DedupMember]] = {group.id: [] for group in groups}
    for member in uow.session.execute(query.order_by(DedupMember.role.desc(), DedupMember.id)).scalars():
        by_group[member.group_id].append(member)
    for group in groups:
        shown: Any = group
        shown.members = by_group[group.id]
        shown.keep_asset_id = next((each.asset_id for each in shown.members if each.role == DedupRole.KEEP), None)


def create_group(uow: UnitOfWork, actor: Actor, values: Values) -> tuple[DedupGroup, bool]:
    """Propose a group; tells whether it is new. One that was decided about is given as it is.

    Raises:
        Forbidden: when the actor may not.
        InvalidInput: when a member is no asset that they see, there are too few, or what is kept is none of them.
    """
    actor.require(Permission.CREATE_DEDUP)
    scores = {each["asset_id"]: each["score"] for each in values["members"]}
    assets = {asset_id: ASSETS.refer(uow, actor, asset_id, "members") for asset_id in sorted(scores)}
    if len(assets) < FEWEST_MEMBERS:
        raise InvalidInput(f"members: a group has at least {FEWEST_MEMBERS}")
    if values["keep_asset_id"] not in assets:
        raise InvalidInput("keepAssetUuid: is none of the members")
    members = {key: Candidate(key, asset.size, scores[key]) for key, asset in assets.items()}
    keeper = members.pop(values["keep_asset_id"])
    proposal = Proposal(values["algorithm"], keeper, list(members.values()))
    lock_groups(uow, actor.space_id)
    known = uow.session.execute(
        select(DedupGroup).where(
            DedupGroup.space_id == actor.space_id, DedupGroup.members_key == proposal.members_key
        )
    ).scalar_one_or_none()  # fmt: skip
    if known is not None and known.review_status != Review.PENDING:
        return known, False
    _remove_pending_of(uow, actor, proposal)
    told = {"algorithm": proposal.algorithm, "score": proposal.score, "members_key": proposal.members_key}
    group = DEDUPS.insert(uow, actor, {**told, "meta": values.get("meta", {})})
    uow.session.add_all(_members(group.id, proposal))
    uow.session.flush()
    return group, True


def lock_groups(uow: UnitOfWork, space_id: UUID) -> None:
    """Let nobody else propose groups in the space meanwhile."""
    uow.lock(f"duplicates of {space_id}")


def _remove_pending_of(uow: UnitOfWork, actor: Actor, proposal: Proposal) -> None:
    """Remove what is pending of the same members, or about what is kept: the new proposal takes its place."""
    about = select(DedupMember.group_id).where(
        DedupMember.role == DedupRole.KEEP, DedupMember.asset_id == proposal.keeper.asset_id,
        DedupMember.location_id.is_(None),
    )  # fmt: skip
    query = select(DedupGroup).where(
        DedupGroup.space_id == actor.space_id, DedupGroup.review_status == Review.PENDING,
        (DedupGroup.members_key == proposal.members_key)
        | (DedupGroup.id.in_(about) & (DedupGroup.algorithm == proposal.algorithm)),
    )  # fmt: skip
    for group in uow.session.execute(query).scalars().all():
        DEDUPS.delete(uow, actor, group)


def _members(group_id: UUID, proposal: Proposal) -> list[DedupMember]:
    def member(it: Candidate, role: DedupRole) -> DedupMember:
        return DedupMember(
            group_id=group_id, asset_id=it.asset_id, location_id=it.location_id, role=role, score=it.score, size=it.size
        )  # fmt: skip

    return [member(proposal.keeper, DedupRole.KEEP), *(member(each, DedupRole.DUP) for each in proposal.others)]


def propose_all(uow: UnitOfWork, actor: Actor, algorithm: str, proposals: Iterable[Proposal]) -> dict[str, int]:
    """Let these be all that an algorithm proposes: what is pending of it and not among them goes.

    Returns:
        How many are new, were known and are pending, and were decided about before.
    """
    lock_groups(uow, actor.space_id)
    wanted = {proposal.members_key: proposal for proposal in proposals}
    mine = DedupGroup.space_id == actor.space_id
    rows = uow.session.execute(select(DedupGroup.members_key, DedupGroup.review_status).where(mine)).all()
    known: dict[str, Review] = {row[0]: row[1] for row in rows}
    stale = delete(DedupGroup).where(
        mine, DedupGroup.review_status == Review.PENDING, DedupGroup.algorithm == algorithm,
        DedupGroup.members_key.not_in(list(wanted)),
    )  # fmt: skip
    uow.session.execute(stale)
    counts = {"new": 0, "pending": 0, "decided": 0}
    for key, proposal in wanted.items():
        if key in known:
            counts["pending" if known[key] == Review.PENDING else "decided"] += 1
            continue
        counts["new"] += 1
        group = DEDUPS.insert(uow, actor, {"algorithm": algorithm, "score": proposal.score, "members_key": key})
        uow.session.add_all(_members(group.id, proposal))
    uow.session.flush()
    return counts


def decide(uow: UnitOfWork, actor: Actor, group: DedupGroup, values: Values) -> None:
    """Confirm or reject a group, or say which of its members is kept.

    Raises:
        InvalidInput: when what is to be kept is none of them.
        Conflict: when places are in the group: which of these is kept is said by the place.
    """
    keep_asset, keep_place = values.pop("keep_asset_id", None), values.pop("keep_location_id", None)
    if keep_asset or keep_place:
        _keep(uow, group, keep_asset, keep_place)
        DEDUPS.touch(uow, actor, group)
    DEDUPS.update(uow, actor, group, values)


def _keep(uow: UnitOfWork, group: DedupGroup, asset_id: UUID | None, location_id: UUID | None) -> None:
    members = uow.session.execute(select(DedupMember).where(DedupMember.group_id == group.id)).scalars().all()
    if location_id is None and any(member.location_id for member in members):
        raise Conflict("The members are places of one asset: say which is kept by keepLocationUuid")
    chosen = [
        each for each in members if (each.location_id == location_id if location_id else each.asset_id == asset_id)
    ]
    if not chosen:
        raise InvalidInput(f"{'keepLocationUuid' if location_id else 'keepAssetUuid'}: is none of the members")
    for member in members:
        if member is not chosen[0] and member.role == DedupRole.KEEP:
            member.role = DedupRole.DUP
            uow.session.flush()  # there is one at a time
    chosen[0].role = DedupRole.KEEP
    uow.session.flush()
