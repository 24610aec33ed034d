"""Who hears of what: live events are told to those only who could read what they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest

from models.entities import Library, LibraryAsset
from models.ids import new_id
from models.permissions import Actor, Permission
from models.services.assets import create_asset, delete_asset, hold_asset
from models.services.audiences import audible
from models.services.event_log import Position, last_position, read_events
from models.services.frames import make_frame, public_frame
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_space, make_user, sign_in
from tests.support.waiting import wait_until
from web.hub import Hub
from web.subscribers import Subscriber


@pytest.fixture
def place(platform: Platform) -> Position:
    with platform.reading() as uow:
        return last_position(uow)


def _heard(platform: Platform, actor: Actor, place: Position) -> list[tuple[str, str]]:
    with platform.reading() as uow:
        frames = [make_frame(event) for event in read_events(uow, place, 500) if event.space_id == actor.space_id]
    return [(frame["type"], frame["uuid"]) for frame in audible(platform.reading, actor, frames)]


def _asset(platform: Platform, actor: Actor, digit: str, library: UUID | None = None) -> UUID:
    with platform.unit_of_work() as uow:
        values = {"sha512": digit * 128, "size": 1, "mime_type": "a/b", "filename": digit, "origin": "x"}
        asset = create_asset(uow, actor, values)
        if library:
            uow.session.add(LibraryAsset(library_id=library, asset_id=asset.id))
        uow.commit()
    return asset.id


def _library(platform: Platform, actor: Actor) -> UUID:
    with platform.unit_of_work() as uow:
        library = Library(id=new_id(), space_id=actor.space_id, name="mine")
        uow.session.add(library)
        uow.commit()
    return library.id


def test_scoped_listeners_hear_of_their_assets_until_the_end(platform: Platform, actor: Actor, place: Position) -> None:
    library = _library(platform, actor)
    eve = make_user(platform, "eve", scoped=[(Permission.READ_ASSET, "library", library)])
    mine, other = _asset(platform, actor, "a", library), _asset(platform, actor, "b")
    assert ("asset.created", str(mine)) in _heard(platform, eve, place)
    for asset_id in (mine, other):
        with platform.unit_of_work() as uow:
            delete_asset(uow, actor, hold_asset(uow, actor, asset_id))
            uow.commit()
    assert _heard(platform, eve, place) == [("asset.deleted", str(mine))]
    assert ("asset.deleted", str(other)) in _heard(platform, actor, place)


def test_what_decides_is_not_shown(platform: Platform, actor: Actor, place: Position) -> None:
    asset_id = _asset(platform, actor, "a", _library(platform, actor))
    with platform.unit_of_work() as uow:
        delete_asset(uow, actor, hold_asset(uow, actor, asset_id))
        uow.commit()
    with platform.reading() as uow:
        frame = make_frame(read_events(uow, place, 500)[-1])
    assert frame["data"]["_libraries"]
    shown = orjson.dumps(public_frame(frame))
    assert b"_libraries" not in shown
    assert b"_actor" not in shown


def test_tasks_and_tokens_are_their_makers_own(
    client: ApiClient, platform: Platform, actor: Actor, place: Position
) -> None:
    eve = make_user(platform, "eve", [Permission.CREATE_TASK, Permission.MANAGE_SEARCH_INDEX])
    nosy = make_user(platform, "nosy", [Permission.READ_ASSET])
    hers = sign_in(client.app, "eve")
    task = hers.post("/tasks", {"kind": "maintenance.sweep"}, expect=202)["uuid"]
    token = hers.post("/tokens", {"name": "k"}, expect=201)["uuid"]
    assert {("task.created", task), ("token.created", token)} == set(_heard(platform, eve, place))
    assert _heard(platform, nosy, place) == []
    assert {("task.created", task), ("token.created", token)} <= set(_heard(platform, actor, place))


def test_comments_need_their_asset(client: ApiClient, platform: Platform, actor: Actor, place: Position) -> None:
    asset_id = _asset(platform, actor, "a")
    comment = client.post(f"/assets/{asset_id}/comments", {"text": "x"}, expect=201)["uuid"]
    both = make_user(platform, "both", [Permission.READ_ASSET, Permission.READ_COMMENT])
    half = make_user(platform, "half", [Permission.READ_COMMENT])
    assert ("comment.created", comment) in _heard(platform, both, place)
    assert _heard(platform, half, place) == []
    far = make_user(platform, "far", list(Permission), space_id=make_space(platform, "far"))
    assert ("comment.created", comment) not in _heard(platform, far, place)


@pytest.fixture
def hub(platform: Platform) -> Iterator[Hub]:
    hub = Hub(platform)
    yield hub
    hub.close()


@pytest.mark.parametrize("change", [{"enabled": False}, {"password": "another password"}])
def test_whoever_is_locked_out_is_looked_at_again(
    client: ApiClient, platform: Platform, hub: Hub, change: dict[str, Any]
) -> None:
    eve = make_user(platform, "eve", [Permission.READ_ASSET])
    listener = Subscriber(eve)
    hub.join(listener, None)
    client.patch(f"/users/{eve.user_id}", change)
    wait_until(lambda: listener.must_recheck, 10)


def test_a_narrowed_key_hears_of_the_tasks_that_it_asked_for(
    client: ApiClient, platform: Platform, actor: Actor, place: Position
) -> None:
    uploads = [Permission.CREATE_ASSET, Permission.CREATE_ASSET_BINARY]
    asked = {"name": "k", "permissions": uploads}
    made, other = client.post("/tokens", asked, expect=201), client.post("/tokens", {**asked, "name": "o"}, expect=201)
    path = "/assets/upload?filename=a.txt"
    task = ApiClient(client.app, made["token"]).request("POST", path, b"a", expect=202).json["uuid"]
    client.request("POST", path, b"b", expect=202)
    keys = [
        replace(actor, token_id=UUID(key["uuid"]), is_narrowed=True, grants=actor.grants.only(uploads))
        for key in (made, other)
    ]
    assert [_heard(platform, key, place) for key in keys] == [[("task.created", task)], []]
    with platform.reading() as uow:
        frames = [make_frame(event) for event in read_events(uow, place, 500)]
    assert b"_token" not in orjson.dumps([public_frame(frame) for frame in frames])


def test_scoped_listeners_hear_of_their_libraries_and_collections(
    client: ApiClient, platform: Platform, place: Position
) -> None:
    for plural, kind in (("libraries", "library"), ("collections", "collection")):
        mine, other = (client.post(f"/{plural}", {"name": name}, expect=201)["uuid"] for name in ("mine", "other"))
        eve = make_user(platform, f"eve {kind}", scoped=[(Permission[f"READ_{kind.upper()}"], kind, UUID(mine))])
        client.patch(f"/{plural}/{other}", {"name": "another"})
        client.patch(f"/{plural}/{mine}", {"name": "my own"})
        assert _heard(platform, eve, place) == [(f"{kind}.created", mine), (f"{kind}.updated", mine)]


def test_what_those_with_equal_rights_hear_is_found_out_once(
    platform: Platform, actor: Actor, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[UUID] = []

    def count(begin: Any, listener: Actor, frames: Any) -> Any:
        if any(frame["type"] == "asset.created" for frame in frames):
            asked.append(listener.user_id)
        return audible(begin, listener, frames)

    library = _library(platform, actor)
    scoped = [(Permission.READ_ASSET, "library", library)]
    listeners = [Subscriber(make_user(platform, f"eve{number}", scoped=scoped)) for number in range(20)]
    for listener in listeners:
        hub.join(listener, None)
    monkeypatch.setattr("web.hub.audible", count)
    mine = str(_asset(platform, actor, "a", library)).encode()
    waiting = set(listeners)

    def all_have_heard() -> bool:
        waiting.difference_update([listener for listener in waiting if mine in listener.take(0)])
        return not waiting

    wait_until(all_have_heard, 20)
    assert len(asked) == 1
