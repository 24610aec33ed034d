"""Roles: what their permissions mean, scoped grants and whom they reach. The plain part is in test_specs.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.permissions import SCOPABLE, Actor, Permission
from models.sample_roles import SAMPLE_ROLES
from models.services import policies
from models.settings import Settings
from models.wiring import Platform, build
from tests.support.client import ApiClient
from tests.support.crowds import crowd
from tests.support.organising import make_assets, status_of, uuids
from tests.support.people import make_space, make_user, sign_in
from tests.support.spaces import key_of
from web.app import close_app, create_app

READ, TAG = "READ_ASSET", "READ_TAG"


def _role(client: ApiClient, *permissions: str, name: str = "r") -> str:
    return f"/roles/{client.post('/roles', {'name': name, 'permissions': list(permissions)}, expect=201)['uuid']}"


@dataclass
class Holder:
    """Somebody who has one role, in the name of the administrator and in their own."""

    role: str
    client: ApiClient


@pytest.fixture
def ann(client: ApiClient, platform: Platform) -> Holder:
    """A user whose only role grants nothing yet."""
    user, role = make_user(platform, "ann"), _role(client)
    group = client.post("/groups", {"name": "g"}, expect=201)["uuid"]
    client.post(f"/groups/{group}/users/{user.user_id}", expect=201)
    client.post(f"/groups/{group}/roles/{role[-36:]}", expect=201)
    return Holder(role, sign_in(client.app, "ann"))


@pytest.fixture
def assets(platform: Platform, actor: Actor) -> list[str]:
    return make_assets(platform, actor.space_id, 4)


def _library(client: ApiClient, assets: list[str]) -> str:
    library = client.post("/libraries", {"name": f"l{uuid4()}"}, expect=201)["uuid"]
    client.request("PUT", f"/libraries/{library}/assets", {"assetUuids": assets}, expect=200)
    return f"library/{library}"


def _collection(client: ApiClient, assets: list[str]) -> str:
    collection = client.post("/collections", {"name": f"c{uuid4()}"}, expect=201)["uuid"]
    client.request("PUT", f"/collections/{collection}/assets", {"assetUuids": assets}, expect=200)
    return f"collection/{collection}"


def _grant(client: ApiClient, role: str, permission: str, resource: Any, expect: int = 201) -> Any:
    return client.post(f"{role}/permissions", {"permission": permission, "resource": resource}, expect=expect)


def test_permissions_are_replaced_kept_and_revoked(client: ApiClient, ann: Holder) -> None:
    assert client.patch(ann.role, {"permissions": [TAG, READ, TAG]})["permissions"] == [READ, TAG]
    assert ann.client.get("/me")["permissions"] == [READ, TAG]
    for same in ({"name": "renamed"}, {"permissions": None}):
        assert client.patch(ann.role, same)["permissions"] == [READ, TAG]
    assert client.post(ann.role, {"permissions": [TAG]})["permissions"] == [TAG]
    ann.client.get("/assets", expect=403)
    assert client.patch(ann.role, {"permissions": []})["permissions"] == []
    assert ann.client.get("/me")["permissions"] == []
    assert "permissions" in client.request("PUT", ann.role, {"name": "r", "meta": None}, expect=400).json["message"]
    whole = {"name": "r", "meta": None, "permissions": [TAG]}
    assert client.request("PUT", ann.role, whole, expect=200).json["permissions"] == [TAG]
    assert client.request("PUT", ann.role, {**whole, "permissions": None}, expect=200).json["permissions"] == []


@pytest.mark.parametrize("permissions", [["FLY"], ["read_asset"], [None], "READ_ASSET", {"READ_ASSET": 1}, [["a"]]])
def test_unknown_permissions_are_refused(client: ApiClient, permissions: Any) -> None:
    assert "permissions" in client.post("/roles", {"name": "r", "permissions": permissions}, expect=400)["message"]


def test_every_space_begins_with_the_sample_roles(client: ApiClient) -> None:
    roles = {role["name"]: role["permissions"] for role in client.get("/roles")["data"]}
    assert roles == {name: sorted(permissions) for name, permissions in SAMPLE_ROLES.items()}


def test_scoped_grants_narrow_lists_of_assets(client: ApiClient, ann: Holder, assets: list[str]) -> None:
    library, collection = _library(client, assets[:2]), _collection(client, assets[1:3])
    ann.client.get("/assets", expect=403)
    grant = _grant(client, ann.role, READ, library)
    page = ann.client.get("/assets")
    assert (uuids(page), page["_metainfo"]["totalCount"]) == (assets[:2], 2)
    ann.client.get(f"/assets/{assets[2]}", expect=404)
    ann.client.get(f"/{library.replace('library', 'libraries')}", expect=403)
    _grant(client, ann.role, READ, collection)
    assert uuids(ann.client.all("/assets", limit=1)) == assets[:3]
    ann.client.patch(f"/assets/{assets[0]}", {"meta": {}}, expect=403)
    _grant(client, ann.role, "UPDATE_ASSET", library)
    ann.client.patch(f"/assets/{assets[0]}", {"meta": {"a": 1}})
    ann.client.patch(f"/assets/{assets[2]}", {"meta": {"a": 1}}, expect=403)
    client.delete(f"{ann.role}/permissions/{grant['uuid']}")
    assert uuids(ann.client.get("/assets")) == assets[1:3]
    client.delete(f"/collections/{collection[-36:]}")
    ann.client.get("/assets", expect=403)


def test_grants_are_listed_one_by_one(client: ApiClient, ann: Holder, assets: list[str]) -> None:
    library, collection = _library(client, assets), _collection(client, assets)
    client.patch(ann.role, {"permissions": [TAG, "READ_LIBRARY"]})
    made = [_grant(client, ann.role, READ, each) for each in (library, collection)]
    assert _grant(client, ann.role, READ, library, 200) == made[0]
    path = f"{ann.role}/permissions"
    whole = client.get(path)
    assert whole["_metainfo"]["totalCount"] == 4
    assert {(each["permission"], each["resource"]) for each in whole["data"]} == {
        (TAG, "all"), ("READ_LIBRARY", "all"), (READ, library), (READ, collection)
    }  # fmt: skip
    assert [each for each in whole["data"] if each["resource"] != "all"] == made
    assert uuids(whole) == sorted(uuids(whole))
    for direction, expected in (("asc", whole["data"]), ("desc", whole["data"][::-1])):
        for limit in (1, 2, 3):
            assert client.all(path, limit=limit, dir=direction) == expected
    assert client.get(ann.role)["permissions"] == ["READ_LIBRARY", TAG]


def test_all_is_the_list_of_the_role_itself(client: ApiClient, ann: Holder) -> None:
    made = _grant(client, ann.role, TAG, "all")
    assert _grant(client, ann.role, TAG, "all", 200) == made
    assert client.post(f"{ann.role}/permissions", {"permission": TAG}) == made
    assert client.get(ann.role)["permissions"] == [TAG]
    ann.client.get("/tags")
    client.delete(f"{ann.role}/permissions/{made['uuid']}")
    client.delete(f"{ann.role}/permissions/{made['uuid']}", expect=404)
    assert client.get(ann.role)["permissions"] == []
    ann.client.get("/tags", expect=403)


def test_what_is_about_no_single_library_is_refused(client: ApiClient) -> None:
    library, role = _library(client, []), _role(client)
    for permission in sorted(set(Permission) - SCOPABLE):
        assert permission in _grant(client, role, permission, library, 400)["message"]
    for permission in sorted(SCOPABLE):
        _grant(client, role, permission, library)


def test_no_such_resource(client: ApiClient) -> None:
    role = _role(client)
    for resource in (
        "", "ALL", "library", "library/", "library/x", f"pool/{uuid4()}", f"library/{uuid4()}/", 1, ["all"],
        "library/" + "-" * 36, f"library/{uuid4()}\n",
    ):  # fmt: skip
        assert "resource" in _grant(client, role, READ, resource, 400)["message"]


def test_what_the_caller_does_not_see_cannot_be_granted(client: ApiClient, platform: Platform) -> None:
    role = _role(client)
    there = make_user(platform, "bob", list(Permission), space_id=make_space(platform, "acme"))
    bobs = sign_in(client.app, "bob", "acme")
    foreign = [_library(bobs, []), _collection(bobs, []), f"library/{uuid4()}", f"collection/{uuid4()}"]
    for resource in foreign:
        assert "resource" in _grant(client, role, READ, resource, 400)["message"]
    make_user(platform, "eve", [Permission.UPDATE_ROLE, Permission.READ_ROLE, Permission.READ_ASSET])
    _grant(sign_in(client.app, "eve"), role, READ, _library(client, []), 400)
    assert there.space_id != client.get("/me")["spaceUuid"]
    bobs.get(role, expect=404)
    bobs.get(f"{role}/permissions", expect=404)
    _grant(bobs, role, READ, "all", 404)


def test_a_grant_of_another_role_is_none(client: ApiClient) -> None:
    one, other, library = _role(client, name="one"), _role(client, TAG, name="other"), _library(client, [])
    scoped = _grant(client, one, READ, library)["uuid"]
    client.delete(f"{other}/permissions/{scoped}", expect=404)
    everywhere = client.get(f"{other}/permissions")["data"][0]["uuid"]
    client.delete(f"{one}/permissions/{everywhere}", expect=404)
    client.delete(f"{one}/permissions/{uuid4()}", expect=404)


def test_grants_go_with_what_they_are_for(client: ApiClient, ann: Holder, assets: list[str]) -> None:
    library = _library(client, assets)
    _grant(client, ann.role, READ, library)
    assert uuids(ann.client.get("/assets")) == assets
    client.delete(f"/libraries/{library[-36:]}")
    assert client.get(f"{ann.role}/permissions")["data"] == []
    ann.client.get("/assets", expect=403)


def test_nobody_gives_or_takes_what_they_do_not_have(client: ApiClient, platform: Platform) -> None:
    library = UUID(_library(client, [])[-36:])
    verbs = ("CREATE_ROLE", "READ_ROLE", "UPDATE_ROLE", "DELETE_ROLE", "READ_LIBRARY")
    scoped = [(Permission.READ_ASSET, "library", library)]
    make_user(platform, "eve", [Permission[verb] for verb in verbs], scoped=scoped)
    eve = sign_in(client.app, "eve")
    eve.post("/roles", {"name": "x", "permissions": [TAG]}, expect=403)
    above, mine = _role(client, TAG, name="above"), _role(eve, "READ_ROLE", name="mine")
    eve.patch(mine, {"permissions": ["READ_ROLE", READ]}, expect=403)
    whole = {"name": "mine", "meta": None}
    eve.request("PUT", mine, {**whole, "permissions": [TAG]}, expect=403)
    for resource in ("all", f"library/{library}"):
        _grant(eve, mine, READ, resource, 403)
    eve.patch(above, {"permissions": []}, expect=403)
    eve.delete(f"{above}/permissions/{client.get(f'{above}/permissions')['data'][0]['uuid']}", expect=403)
    eve.delete(above, expect=403)
    assert eve.patch(above, {"permissions": [TAG, "READ_ROLE"]})["permissions"] == ["READ_ROLE", TAG]
    grant = _grant(client, mine, READ, f"library/{library}")
    eve.delete(f"{mine}/permissions/{grant['uuid']}", expect=403)
    eve.delete(mine, expect=403)
    client.delete(f"{mine}/permissions/{grant['uuid']}")
    eve.delete(mine)


def test_a_narrow_key_gives_no_more_than_it_carries(client: ApiClient) -> None:
    key = key_of(client, "k", ["READ_ROLE", "CREATE_ROLE", "UPDATE_ROLE", "READ_LIBRARY"])
    key.post("/roles", {"name": "x", "permissions": [TAG]}, expect=403)
    role = _role(key, "READ_ROLE")
    key.patch(role, {"permissions": [TAG]}, expect=403)
    _grant(key, role, TAG, "all", 403)
    _grant(key, role, READ, _library(client, []), 403)


def test_the_space_stays_manageable_and_nothing_is_lost(client: ApiClient, platform: Platform) -> None:
    admin = client.get("/roles", query_string={"filter": "name[eq]=admin-role"})["data"][0]
    path, permissions = f"/roles/{admin['uuid']}", admin["permissions"]
    for left in ([], [each for each in permissions if each != "UPDATE_USER"]):
        assert "manage" in client.patch(path, {"permissions": left}, expect=409)["message"]
    client.delete(path, expect=409)
    without = [each for each in permissions if each != TAG]
    assert TAG in client.patch(path, {"permissions": without}, expect=409)["message"]
    grants = {each["permission"]: each["uuid"] for each in client.all(f"{path}/permissions")}
    client.delete(f"{path}/permissions/{grants[TAG]}", expect=409)
    assert client.get("/me")["permissions"] == permissions
    make_user(platform, "bob", [Permission.READ_TAG])
    assert client.patch(path, {"permissions": without})["permissions"] == without
    client.get("/tags", expect=403)


def test_administrators_of_other_spaces_may_do_without(client: ApiClient, platform: Platform) -> None:
    make_user(platform, "bob", list(Permission), space_id=make_space(platform, "acme"))
    bob = sign_in(client.app, "bob", "acme")
    role = bob.get("/roles", query_string={"filter": "name[eq]=role of bob"})["data"][0]
    left = [each for each in role["permissions"] if each != "CREATE_WEBHOOK"]
    bob.patch(f"/roles/{role['uuid']}", {"permissions": left})
    bob.patch(f"/roles/{role['uuid']}", {"permissions": role["permissions"]}, expect=403)
    bob.patch(f"/roles/{role['uuid']}", {"permissions": []}, expect=409)


@contextmanager
def _other_process(settings: Settings, token: str | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiClient]:
    """Another web process, as far as memory matters: nothing remembered is shared with it."""
    platform = build(settings)
    app = create_app(platform)
    memory: dict[Any, Any] = {}

    @dataclass
    class Apart(ApiClient):
        def request(self, *arguments: Any, **options: Any) -> Any:
            with monkeypatch.context() as patch:
                patch.setattr(policies, "_remembered", memory)
                return super().request(*arguments, **options)

    yield Apart(app, token)
    close_app(app)
    platform.close()


def test_every_change_acts_on_the_next_request_in_every_process(
    client: ApiClient, settings: Settings, ann: Holder, assets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = _library(client, assets[:1])
    group = client.get("/groups", query_string={"filter": "name[eq]=g"})["data"][0]["uuid"]
    me = ann.client.get("/me")["uuid"]
    with _other_process(settings, ann.client.token, monkeypatch) as there:

        def seen() -> list[int]:
            """Give what both processes let the user read: how many assets, or nothing at all."""
            answers = [caller.request("GET", "/assets") for caller in (ann.client, there)]
            return [answer.json["_metainfo"]["totalCount"] if answer.status_code == 200 else 0 for answer in answers]

        assert seen() == [0, 0]
        grant = _grant(client, ann.role, READ, library)["uuid"]
        assert seen() == [1, 1]
        client.patch(ann.role, {"permissions": [READ]})
        assert seen() == [4, 4]
        client.delete(f"/groups/{group}/users/{me}")
        assert seen() == [0, 0]
        client.post(f"/groups/{group}/users/{me}", expect=201)
        assert seen() == [4, 4]
        client.delete(f"/groups/{group}/roles/{ann.role[-36:]}")
        assert seen() == [0, 0]
        client.post(f"/groups/{group}/roles/{ann.role[-36:]}", expect=201)
        client.patch(ann.role, {"permissions": []})
        assert seen() == [1, 1]
        client.delete(f"{ann.role}/permissions/{grant}")
        assert seen() == [0, 0]
        _grant(client, ann.role, READ, "all")
        assert seen() == [4, 4]
        client.delete(ann.role)
        assert seen() == [0, 0]


def test_many_at_once_grant_the_same_once(client: ApiClient) -> None:
    role, library = _role(client), _library(client, [])
    path, body = f"{role}/permissions", {"permission": READ, "resource": library}
    assert crowd(lambda _: status_of(client, "POST", path, body)) == {201: 1, 200: 49}
    every = sorted(SCOPABLE)[:20]
    made = crowd(lambda n: status_of(client, "POST", path, {"permission": every[n], "resource": "all"}), len(every))
    assert made == {201: len(every)}
    assert client.get(role)["permissions"] == every
