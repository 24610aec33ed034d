"""Groups: who and what is in them, and who may put it there. The plain part is in test_specs.py."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest

from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.crowds import crowd
from tests.support.organising import at_once, events_about, status_of, uuids
from tests.support.people import make_space, make_user, sign_in
from tests.support.spaces import key_of

MANAGER = (
    Permission.READ_USER, Permission.READ_ROLE, Permission.CREATE_GROUP, Permission.READ_GROUP, Permission.UPDATE_GROUP,
    Permission.DELETE_GROUP,
)  # fmt: skip


def _group(client: ApiClient, name: str = "g") -> str:
    return f"/groups/{client.post('/groups', {'name': name}, expect=201)['uuid']}"


def _role(client: ApiClient, *permissions: str, name: str = "r") -> str:
    made: str = client.post("/roles", {"name": name, "permissions": list(permissions)}, expect=201)["uuid"]
    return made


def _admins(client: ApiClient) -> tuple[str, str]:
    """Give the path of the administrators, and the uuid of their role."""
    group = client.get("/groups", query_string={"filter": "name[eq]=admins"})["data"][0]["uuid"]
    role = client.get("/roles", query_string={"filter": "name[eq]=admin-role"})["data"][0]["uuid"]
    return f"/groups/{group}", role


def test_members_come_and_go(client: ApiClient, platform: Platform) -> None:
    ann, group, role = make_user(platform, "ann"), _group(client), _role(client, "READ_TAG")
    anns = sign_in(client.app, "ann")
    for member in (f"{group}/users/{ann.user_id}", f"{group}/roles/{role}"):
        assert client.post(member, expect=201)["name"] == "g"
        assert client.post(member, expect=200)["name"] == "g"
        assert client.get(member.rpartition("/")[0])["_metainfo"]["totalCount"] == 1
    assert events_about(platform, "group.updated") == [group[-36:]] * 2
    anns.get("/tags")
    client.delete(f"{group}/users/{ann.user_id}")
    anns.get("/tags", expect=403)
    client.post(f"{group}/users/{ann.user_id}", expect=201)
    client.delete(f"{group}/roles/{role}")
    anns.get("/tags", expect=403)
    for member in (f"{group}/users/{ann.user_id}", f"{group}/roles/{role}"):
        client.delete(member)
        client.delete(member)
        assert client.get(member.rpartition("/")[0])["data"] == []


def test_a_group_ends_what_it_granted(client: ApiClient, platform: Platform) -> None:
    ann, group, role = make_user(platform, "ann"), _group(client), _role(client, "READ_TAG")
    client.post(f"{group}/users/{ann.user_id}", expect=201)
    client.post(f"{group}/roles/{role}", expect=201)
    anns = sign_in(client.app, "ann")
    anns.get("/tags")
    client.delete(group)
    anns.get("/tags", expect=403)
    client.get(f"/roles/{role}")


def test_members_are_listed_page_by_page(client: ApiClient, platform: Platform) -> None:
    group = _group(client)
    names = [f"u{number}" for number in range(5)]
    for name in names:
        client.post(f"{group}/users/{make_user(platform, name).user_id}", expect=201)
    found = client.all(f"{group}/users", limit=2, sort="username", dir="desc")
    assert [user["username"] for user in found] == names[::-1]
    assert client.get(f"{group}/users", query_string={"limit": 2})["_metainfo"]["totalCount"] == 5
    assert client.get(f"{group}/users", query_string={"filter": "username[eq]=u3"})["_metainfo"]["totalCount"] == 1
    client.get(f"{group}/users", query_string={"sort": "password_hash"}, expect=400)


@pytest.mark.parametrize("kind", ["users", "roles"])
def test_what_is_not_there(client: ApiClient, actor: Actor, kind: str) -> None:
    group, role = _group(client), _role(client)
    known = {"users": str(actor.user_id), "roles": role}[kind]
    for method in ("POST", "DELETE"):
        client.request(method, f"{group}/{kind}/{uuid4()}", expect=404)
        client.request(method, f"/groups/{uuid4()}/{kind}/{known}", expect=404)
        client.request(method, f"{group}/{kind}/x", expect=400)
    client.get(f"/groups/{uuid4()}/{kind}", expect=404)


def test_nothing_of_other_spaces_gets_into_a_group(client: ApiClient, platform: Platform) -> None:
    there = make_user(platform, "ann", list(Permission), space_id=make_space(platform, "acme"))
    anns = sign_in(client.app, "ann", "acme")
    group, foreign = _group(client), _group(anns)
    role = _role(anns, "READ_TAG")
    client.post(f"{group}/users/{there.user_id}", expect=404)
    client.post(f"{group}/roles/{role}", expect=404)
    for path in (foreign, f"{foreign}/users", f"{foreign}/roles"):
        client.get(path, expect=404)
    client.post(f"{foreign}/users/{client.get('/me')['uuid']}", expect=404)
    client.delete(foreign, expect=404)
    assert foreign[-36:] not in uuids(client.get("/groups"))


def test_nobody_gives_or_takes_what_they_do_not_have(client: ApiClient, platform: Platform) -> None:
    eve, ann = make_user(platform, "eve", MANAGER), make_user(platform, "ann")
    eves = sign_in(client.app, "eve")
    admins, admin_role = _admins(client)
    library = client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    scoped = _role(client, name="scoped")
    client.post(
        f"/roles/{scoped}/permissions", {"permission": "READ_ASSET", "resource": f"library/{library}"}, expect=201
    )
    mine, more = _group(eves, "mine"), _group(client, "more")
    client.post(f"{more}/roles/{scoped}", expect=201)
    for group in (admins, more):
        for user in (eve, ann):
            eves.post(f"{group}/users/{user.user_id}", expect=403)
    for role in (admin_role, scoped):
        eves.post(f"{mine}/roles/{role}", expect=403)
    eves.delete(f"{admins}/users/{client.get('/me')['uuid']}", expect=403)
    eves.delete(f"{admins}/roles/{admin_role}", expect=403)
    eves.delete(f"{more}/roles/{scoped}", expect=403)
    eves.delete(admins, expect=403)
    held = _role(client, "READ_GROUP", name="held")
    eves.post(f"{mine}/roles/{held}", expect=201)
    eves.post(f"{mine}/users/{ann.user_id}", expect=201)
    eves.delete(f"{mine}/users/{ann.user_id}")
    eves.delete(mine)


def test_a_narrow_key_counts_as_what_it_carries(client: ApiClient, platform: Platform, actor: Actor) -> None:
    ann, group = make_user(platform, "ann"), _group(client)
    client.post(f"{group}/roles/{_role(client, 'READ_TAG')}", expect=201)
    admins, admin_role = _admins(client)
    key = key_of(client, "k", [str(permission) for permission in MANAGER])
    key.post(f"{group}/users/{ann.user_id}", expect=403)
    key.post(f"{admins}/users/{ann.user_id}", expect=403)
    key.post(f"{_group(key, 'mine')}/roles/{admin_role}", expect=403)
    key.delete(f"{admins}/users/{actor.user_id}", expect=403)
    key_of(client, "more", [*map(str, MANAGER), "READ_TAG"]).post(f"{group}/users/{ann.user_id}", expect=201)


def test_everybody_may_leave(client: ApiClient, platform: Platform) -> None:
    eve, group = make_user(platform, "eve", MANAGER), _group(client)
    client.post(f"{group}/roles/{_role(client, 'READ_TAG')}", expect=201)
    client.post(f"{group}/users/{eve.user_id}", expect=201)
    eves = sign_in(client.app, "eve")
    eves.delete(f"{group}/users/{eve.user_id}")
    eves.get("/tags", expect=403)


def test_somebody_can_always_manage_the_space(client: ApiClient, platform: Platform, actor: Actor) -> None:
    admins, admin_role = _admins(client)
    ends: tuple[str, ...] = (f"{admins}/users/{actor.user_id}", f"{admins}/roles/{admin_role}", admins)
    for end in ends:
        assert "manage" in client.request("DELETE", end, expect=409).json["message"]
    client.get("/users")
    bob = make_user(platform, "bob", list(Permission))
    client.delete(f"{admins}/users/{actor.user_id}")
    client.get("/users", expect=403)
    assert bob.may(Permission.READ_USER)


def test_two_administrators_who_leave_at_once(client: ApiClient, platform: Platform, actor: Actor) -> None:
    bob = make_user(platform, "bob")
    admins, _ = _admins(client)
    client.post(f"{admins}/users/{bob.user_id}", expect=201)
    bobs = sign_in(client.app, "bob")
    leave = [
        partial(status_of, client, "DELETE", f"{admins}/users/{actor.user_id}"),
        partial(status_of, bobs, "DELETE", f"{admins}/users/{bob.user_id}"),
    ]
    assert sorted(at_once(leave)) == [204, 409]


def test_many_at_once_add_one_member(client: ApiClient, platform: Platform) -> None:
    ann, group = make_user(platform, "ann"), _group(client)
    path = f"{group}/users/{ann.user_id}"
    assert crowd(lambda _: status_of(client, "POST", path)) == {201: 1, 200: 49}
    crowd(lambda number: status_of(client, "POST" if number % 2 else "DELETE", path))
    assert len(client.get(f"{group}/users")["data"]) in {0, 1}


@pytest.mark.parametrize("is_guest", [True, False])
def test_whoever_leaves_the_space_is_in_none_of_its_groups(
    client: ApiClient, platform: Platform, actor: Actor, *, is_guest: bool
) -> None:
    user = make_user(platform, "ann", space_id=make_space(platform, "acme") if is_guest else None).user_id
    client.request("POST", f"/spaces/{actor.space_id}/users/{user}", expect=201 if is_guest else 200)
    group = _group(client)
    client.post(f"{group}/users/{user}", expect=201)
    client.delete(f"/spaces/{actor.space_id}/users/{user}" if is_guest else f"/users/{user}")
    assert client.get(f"{group}/users")["data"] == []
    client.post(f"{group}/users/{user}", expect=404)
    with platform.reading() as uow:
        rows = uow.fetch("SELECT 1 FROM group_user WHERE group_id = %(group)s", group=group[-36:])
    assert rows == []
