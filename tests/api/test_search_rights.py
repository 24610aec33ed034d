"""Searches find what their caller may read, and nothing else is counted either."""

from __future__ import annotations

from uuid import UUID

import pytest

from models.entities import Collection, CollectionAsset, Library, LibraryAsset, LibraryPool, Pool, Tag
from models.entities.tag import AssetTag
from models.ids import new_id
from models.permissions import Actor, Permission
from models.services.assets import create_asset
from models.services.ingest import NewLocation, put_locations
from models.unit_of_work import UnitOfWork
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_space, make_user, sign_in
from workers.indexing.feed import Feed

READS = (Permission.READ_ASSET, Permission.READ_SEARCH)


class World:
    """Four assets: in a library, in a pool of that library, in a collection, and in nothing."""

    def __init__(self, platform: Platform, actor: Actor) -> None:
        self.actor = actor
        with platform.unit_of_work() as uow:
            self.ids = [self._asset(uow, digit) for digit in "abcd"]
            made = {"space_id": actor.space_id, "name": "mine"}
            library, collection = Library(id=new_id(), **made), Collection(id=new_id(), **made)
            pool, tag = Pool(id=new_id(), fs_path="/pool", **made), Tag(id=new_id(), **made)
            uow.session.add_all([library, collection, pool, tag])
            uow.session.flush()
            uow.session.add_all([
                LibraryAsset(library_id=library.id, asset_id=self.ids[0]),
                LibraryPool(library_id=library.id, pool_id=pool.id),
                CollectionAsset(collection_id=collection.id, asset_id=self.ids[2], position=1.0),
                AssetTag(asset_id=self.ids[3], tag_id=tag.id),
            ])  # fmt: skip
            put_locations(uow, pool.id, [NewLocation(b"attic/f", self.ids[1], 1, 1, 1, 1, 1)])
            uow.commit()
        self.library, self.collection = library.id, collection.id

    def _asset(self, uow: UnitOfWork, digit: str) -> UUID:
        values = {"sha512": digit * 128, "size": 1, "mime_type": "a/b", "filename": f"beach {digit}", "origin": "x"}
        return create_asset(uow, self.actor, values).id

    def found(self, caller: ApiClient, **query: str) -> set[int]:
        answer = caller.get("/search/assets", query_string={"q": "beach", **query})
        found = {self.ids.index(UUID(hit["uuid"])) for hit in answer["data"]}
        assert answer["_metainfo"]["totalHits"] == len(found)
        return found


@pytest.fixture
def world(platform: Platform, actor: Actor, feed: Feed) -> World:
    world = World(platform, actor)
    feed.run_once()
    return world


def test_restrictions_narrow_a_search(client: ApiClient, world: World) -> None:
    assert world.found(client) == {0, 1, 2, 3}
    assert world.found(client, library=str(world.library)) == {0, 1}
    assert world.found(client, collection=str(world.collection)) == {2}
    assert world.found(client, tag="MINE") == {3}
    assert world.found(client, tag="mine,other") == set()
    assert world.found(client, library=str(new_id())) == set()


def test_scoped_callers_find_what_they_may_read(client: ApiClient, platform: Platform, world: World) -> None:
    for name, kind, key, expected in (
        ("ann", "library", world.library, {0, 1}), ("bob", "collection", world.collection, {2}),
    ):  # fmt: skip
        make_user(platform, name, scoped=[(each, kind, key) for each in READS])
        assert world.found(sign_in(client.app, name)) == expected
    make_user(platform, "cid", [Permission.READ_SEARCH])
    sign_in(client.app, "cid").get("/search/assets", expect=403)
    make_user(platform, "dan", [Permission.READ_SEARCH], scoped=[(Permission.READ_ASSET, "library", world.library)])
    assert world.found(sign_in(client.app, "dan"), collection=str(world.collection)) == set()


def test_a_search_in_another_space_finds_and_counts_nothing(
    client: ApiClient, platform: Platform, world: World
) -> None:
    make_user(platform, "far", list(Permission), space_id=make_space(platform, "far"))
    far = sign_in(client.app, "far", "far")
    assert world.found(far) == world.found(far, library=str(world.library)) == set()
    assert far.get("/search/status")["documentCount"] == 0
    assert client.get("/search/status")["documentCount"] == 4


def test_blacklisted_assets_are_found_by_asking_only(
    client: ApiClient, platform: Platform, world: World, feed: Feed
) -> None:
    client.post("/blacklists", {"assetUuid": str(world.ids[0])}, expect=201)
    feed.run_once()
    assert world.found(client) == {1, 2, 3}
    assert world.found(client, blacklisted="only") == {0}
    assert world.found(client, blacklisted="include") == {0, 1, 2, 3}
    make_user(platform, "eve", READS)
    sign_in(client.app, "eve").get("/search/assets?blacklisted=only", expect=403)


def test_what_was_just_blacklisted_is_found_no_more(client: ApiClient, world: World) -> None:
    client.post("/blacklists", {"assetUuid": str(world.ids[0])}, expect=201)
    assert world.found(client) == {1, 2, 3}


def test_where_assets_lie_is_neither_found_nor_shown_without_permission(
    client: ApiClient, platform: Platform, world: World
) -> None:
    place = Permission.READ_ASSET_LOCATION
    library = [(each, "library", world.library) for each in READS]
    make_user(platform, "ann", READS)
    make_user(platform, "bob", [*READS, place])
    make_user(platform, "cid", READS, scoped=[(place, "library", world.library)])
    make_user(platform, "dan", scoped=[*library, (place, "library", world.library)])
    make_user(platform, "eve", scoped=[*library, (place, "collection", world.collection)])
    for name, sees in (("ann", False), ("bob", True), ("cid", False), ("dan", True), ("eve", False)):
        caller = sign_in(client.app, name)
        assert world.found(caller, q="attic") == ({1} if sees else set()), name
        hits = caller.get("/search/assets", query_string={"q": "beach", "highlight": "true"})["data"]
        (hit,) = [hit for hit in hits if hit["uuid"] == str(world.ids[1])]
        assert (hit.get("subtitle"), hit["highlights"]) == ("attic/f" if sees else None, ["beach b"]), name
