"""The text index in tests: a catalogue that changes, and a feed that is led step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from models.events import ASSET_CREATED, NewEvent
from models.ids import new_id
from models.permissions import Actor
from models.search import IndexHome, SearchQuery
from models.services.ingest import NewAsset, ensure_assets
from models.wiring import Platform
from tests.support.waiting import wait_until
from workers.indexing.feed import Feed


def add_assets(platform: Platform, actor: Actor, *names: str) -> list[UUID]:
    """Make assets of these names, and tell of them."""
    with platform.unit_of_work() as uow:
        new = [NewAsset(new_id().hex * 4, 10, "image/jpeg", name) for name in names]
        ids, _ = ensure_assets(uow, actor.space_id, actor.user_id, "test", new)
        for asset_id in ids.values():
            uow.publish(NewEvent(ASSET_CREATED, actor.space_id, asset_id))
        uow.commit()
    return [ids[asset.sha512] for asset in new]


def change_asset(platform: Platform, actor: Actor, asset_id: UUID, statement: str, kind: str) -> None:
    """Change an asset by SQL, and tell of it."""
    with platform.unit_of_work() as uow:
        uow.execute(statement, id=asset_id)
        uow.publish(NewEvent(kind, actor.space_id, asset_id))
        uow.commit()


def titles_of(platform: Platform, actor: Actor, terms: str = "") -> Sequence[str]:
    """Give the names of what is found."""
    return sorted(hit.title for hit in platform.search.search(SearchQuery(actor.space_id, terms)).hits)


def run_until(feed: Feed, condition: Callable[[], object]) -> None:
    """Let the feed work until something holds."""

    def run() -> object:
        feed.run_once()
        return condition()

    wait_until(run)


def settle(feed: Feed, platform: Platform, actor: Actor, titles: Sequence[str]) -> None:
    """Let the feed work until exactly these are found."""

    def is_settled() -> bool:
        return platform.search.document_count() is not None and titles_of(platform, actor) == sorted(titles)

    run_until(feed, is_settled)


def generations_of(home: IndexHome) -> list[Path]:
    """Give the folders of all generations."""
    return list((home.path / "generations").iterdir())
