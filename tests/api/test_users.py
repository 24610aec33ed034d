"""Users: their lives, who may change whom, and who is locked out when. The plain part is in test_specs.py."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import pytest

from models.entities import Attachment, Blob, User
from models.ids import new_id
from models.messages import DELETE_BLOB
from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.crowds import crowd
from tests.support.organising import at_once, status_of, uuids
from tests.support.people import make_space, make_user, sign_in
from tests.support.settings import PASSWORD
from tests.support.spaces import acting_in, key_of

HELPDESK = (Permission.CREATE_USER, Permission.READ_USER, Permission.UPDATE_USER, Permission.DELETE_USER)
NEW = "another password"


def _login(client: ApiClient, name: str, password: str = PASSWORD, *, space: str = "default", expect: int = 200) -> Any:
    body = {"username": name, "password": password, "space": space}
    return client.anonymous().post("/auth/login", body, expect=expect)


def _path(user: Actor) -> str:
    return f"/users/{user.user_id}"


def _join_admins(client: ApiClient, user: Actor) -> str:
    """Make somebody an administrator of the caller's space; gives the path of that membership."""
    group = client.get("/groups", query_string={"filter": "name[eq]=admins"})["data"][0]["uuid"]
    path = f"/groups/{group}/users/{user.user_id}"
    client.post(path, expect=201)
    return path


def test_life_of_a_user(client: ApiClient) -> None:
    body = {"username": "ann", "firstname": "Ann", "lastname": "A", "email": "ann@example.com", "password": PASSWORD}
    made = client.post("/users", body, expect=201)
    assert {key: made[key] for key in ("username", "firstname", "lastname", "email", "enabled")} == {
        "username": "ann", "firstname": "Ann", "lastname": "A", "email": "ann@example.com", "enabled": True,
    }  # fmt: skip
    assert made["spaceUuid"] == client.get("/me")["spaceUuid"]
    assert not {"password", "passwordHash", "avatarUrl"} & made.keys()
    ann = ApiClient(client.app, _login(client, "ann")["token"])
    me = ann.get("/me")
    assert (me["username"], me["permissions"]) == ("ann", [])
    assert me["status"]["creator"]["name"] == "admin"
    assert client.patch(f"/users/{made['uuid']}", {"firstname": "Anna", "lastname": None})["lastname"] == "A"
    whole: dict[str, Any] = {"username": "anna", "enabled": None, "meta": None, "firstname": None, "lastname": None}
    assert "email" in client.request("PUT", f"/users/{made['uuid']}", whole, expect=400).json["message"]
    replaced = client.request("PUT", f"/users/{made['uuid']}", {**whole, "email": None}, expect=200).json
    assert (replaced["username"], replaced["enabled"]) == ("anna", True)
    assert not {"firstname", "lastname", "email"} & replaced.keys()
    ann.get("/me")
    client.delete(f"/users/{made['uuid']}")
    ann.get("/me", expect=401)
    _login(client, "anna", expect=401)
    client.post("/users", {"username": "anna"}, expect=201)


@pytest.mark.parametrize("password", ["", "1234567", "a" * 1025, 12345678, ["a" * 8], "a" * 8 + "\x00"])
def test_no_such_password(client: ApiClient, platform: Platform, password: Any) -> None:
    ann = make_user(platform, "ann")
    client.post("/users", {"username": "bob", "password": password}, expect=400)
    client.patch(_path(ann), {"password": password}, expect=400)
    _login(client, "ann")


def test_without_a_password_nobody_signs_in(client: ApiClient) -> None:
    client.post("/users", {"username": "bot", "password": None}, expect=201)
    for guess in ("", "None", PASSWORD):
        client.anonymous().post("/auth/login", {"username": "bot", "password": guess}, expect=401)


def test_lists_are_filtered(client: ApiClient, platform: Platform) -> None:
    ann, bob = make_user(platform, "ann"), make_user(platform, "bob")
    client.patch(_path(ann), {"email": "ann@example.com"})
    client.patch(_path(bob), {"enabled": False})

    def found(term: str) -> list[str]:
        return [user["username"] for user in client.get("/users", query_string={"filter": term})["data"]]

    assert found("username[eq]=ann") == ["ann"]
    assert found("enabled[eq]=false") == ["bob"]
    assert found("email[eq]=ann@example.com") == ["ann"]
    assert found("enabled[eq]=true,username[ne]=admin") == ["ann"]


def test_whoever_is_disabled_is_out_at_once_with_every_key(client: ApiClient, platform: Platform) -> None:
    ann = make_user(platform, "ann")
    login = sign_in(client.app, "ann")
    key = key_of(login, "k")
    client.patch(_path(ann), {"enabled": False})
    for caller in (login, key):
        caller.get("/me", expect=401)
    _login(client, "ann", expect=401)
    client.patch(_path(ann), {"enabled": True})
    key.get("/me")
    login.get("/me", expect=401)
    _login(client, "ann")


def test_a_new_password_ends_every_login_but_no_key(client: ApiClient, platform: Platform) -> None:
    ann = make_user(platform, "ann")
    logins = [sign_in(client.app, "ann") for _ in range(2)]
    key = key_of(logins[0], "k")
    client.patch(_path(ann), {"password": NEW})
    for login in logins:
        login.get("/me", expect=401)
    key.get("/me")
    _login(client, "ann", expect=401)
    _login(client, "ann", NEW)


def test_nobody_locks_themselves_out(client: ApiClient, actor: Actor) -> None:
    client.patch(_path(actor), {"enabled": False}, expect=409)
    client.delete(_path(actor), expect=409)
    assert client.get("/me")["enabled"]


def test_a_helpdesk_takes_over_nobody_who_may_more(client: ApiClient, platform: Platform, actor: Actor) -> None:
    library = UUID(client.post("/libraries", {"name": "l"}, expect=201)["uuid"])
    make_user(platform, "helper", HELPDESK)
    scoped = make_user(platform, "scoped", scoped=[(Permission.READ_ASSET, "library", library)])
    above, equal, below = (
        make_user(platform, "above", [*HELPDESK, Permission.READ_TAG]),
        make_user(platform, "equal", HELPDESK),
        make_user(platform, "below"),
    )
    helper = sign_in(client.app, "helper")
    for user in (actor, above, scoped):
        for change in ({"password": NEW}, {"enabled": False}):
            helper.patch(_path(user), change, expect=403)
        helper.delete(_path(user), expect=403)
        helper.patch(_path(user), {"firstname": "F"})
    for user in (equal, below):
        helper.patch(_path(user), {"password": NEW})
        helper.delete(_path(user))


def test_an_account_that_nobody_has_used_is_not_renamed_to_be_taken_over(client: ApiClient, platform: Platform) -> None:
    bot = client.post("/users", {"username": "bot"}, expect=201)
    group = client.post("/groups", {"name": "g"}, expect=201)["uuid"]
    role = client.post("/roles", {"name": "r", "permissions": ["READ_TAG"]}, expect=201)["uuid"]
    client.post(f"/groups/{group}/roles/{role}", expect=201)
    client.post(f"/groups/{group}/users/{bot['uuid']}", expect=201)
    make_user(platform, "helper", HELPDESK)
    helper = sign_in(client.app, "helper")
    for change in ({"username": "eve"}, {"email": "eve@example.com"}):
        helper.patch(f"/users/{bot['uuid']}", change, expect=403)


def test_a_narrow_key_takes_over_no_more_than_it_carries(client: ApiClient, platform: Platform, actor: Actor) -> None:
    ann = make_user(platform, "ann", [Permission.READ_TAG])
    bob = make_user(platform, "bob")
    key = key_of(client, "k", ["READ_USER", "UPDATE_USER", "DELETE_USER"])
    for user in (actor, ann):
        key.patch(_path(user), {"password": NEW}, expect=403)
    key.delete(_path(ann), expect=403)
    key.patch(_path(bob), {"password": NEW})
    key_of(client, "wide").patch(_path(ann), {"password": NEW})


def test_a_key_counts_for_nothing_in_other_spaces(client: ApiClient, platform: Platform) -> None:
    """Whoever signs in with the new password is let into all spaces of the user, which the key does not open."""
    acme = client.post("/spaces", {"name": "acme"}, expect=201)["uuid"]
    bob = make_user(platform, "bob")
    client.post(f"/spaces/{acme}/users/{bob.user_id}", expect=201)
    _join_admins(acting_in(client, acme), bob)
    for key in (key_of(client, "k", ["READ_USER", "UPDATE_USER"]), key_of(client, "wide")):
        key.patch(_path(bob), {"password": NEW}, expect=403)
    client.patch(_path(bob), {"password": NEW})


def test_the_last_who_can_manage_a_space_stays(client: ApiClient, platform: Platform, actor: Actor) -> None:
    bob = make_user(platform, "bob")
    _join_admins(client, bob)
    bobs = sign_in(client.app, "bob")
    bobs.patch(_path(actor), {"enabled": False})
    client.get("/me", expect=401)
    bobs.delete(_path(actor))
    bobs.patch(_path(bob), {"enabled": False}, expect=409)
    bobs.delete(_path(bob), expect=409)


def test_the_last_who_can_manage_another_space_stays(client: ApiClient, platform: Platform) -> None:
    acme = client.post("/spaces", {"name": "acme"}, expect=201)["uuid"]
    bob = make_user(platform, "bob")
    client.post(f"/spaces/{acme}/users/{bob.user_id}", expect=201)
    there = acting_in(client, acme)
    _join_admins(there, bob)
    membership = f"/groups/{there.get('/groups')['data'][0]['uuid']}/users/{client.get('/me')['uuid']}"
    there.delete(membership)
    # Now bob may do more there than the administrator of `default`.
    client.delete(_path(bob), expect=403)
    bobs = acting_in(sign_in(client.app, "bob"), acme)
    bobs.post(membership, expect=201)
    bobs.delete(f"/groups/{there.get('/groups')['data'][0]['uuid']}/users/{bob.user_id}")
    client.delete(_path(bob))
    there.delete(membership, expect=409)


def test_two_who_lock_each_other_out_at_once(client: ApiClient, platform: Platform, actor: Actor) -> None:
    bob = make_user(platform, "bob")
    _join_admins(client, bob)
    bobs = sign_in(client.app, "bob")
    changes = [
        partial(status_of, client, "PATCH", _path(bob), {"enabled": False}),
        partial(status_of, bobs, "PATCH", _path(actor), {"enabled": False}),
    ]
    assert min(at_once(changes)) == 200
    with platform.reading() as uow:
        assert uow.fetch('SELECT count(*) FROM "user" WHERE enabled') == [(1,)]


def test_a_name_is_taken_once(client: ApiClient) -> None:
    assert crowd(lambda _: status_of(client, "POST", "/users", {"username": "ann"})) == {201: 1, 409: 49}


def test_names_mean_something_in_their_space_only(client: ApiClient, platform: Platform) -> None:
    acme = make_space(platform, "acme")
    here = make_user(platform, "ann")
    there = make_user(platform, "ann", list(Permission), space_id=acme)
    anns = sign_in(client.app, "ann", "acme")
    assert anns.get("/me")["uuid"] == str(there.user_id)
    assert sign_in(client.app, "ann").get("/me")["uuid"] == str(here.user_id)
    _login(client, "ann", space="nowhere", expect=401)
    assert uuids(anns.get("/users")) == [str(there.user_id)]
    assert str(there.user_id) not in uuids(client.get("/users"))
    for caller, stranger in ((anns, here), (client, there)):
        caller.get(_path(stranger), expect=404)
        caller.patch(_path(stranger), {"firstname": "F"}, expect=404)
        caller.delete(_path(stranger), expect=404)
        for rest in ("groups", "roles", "avatar", "avatar/data"):
            caller.get(f"{_path(stranger)}/{rest}", expect=404)
    anns.post("/users", {"username": "admin"}, expect=201)


def test_guests_are_seen_but_changed_at_home_only(client: ApiClient, platform: Platform, actor: Actor) -> None:
    acme = make_space(platform, "acme")
    guest = make_user(platform, "ann", space_id=acme)
    client.get(_path(guest), expect=404)
    client.post(f"/spaces/{actor.space_id}/users/{guest.user_id}", expect=201)
    assert client.get(_path(guest))["spaceUuid"] == str(acme)
    assert client.get("/users")["_metainfo"]["totalCount"] == 2
    client.patch(_path(guest), {"firstname": "F"}, expect=403)
    client.patch(_path(guest), {"password": NEW}, expect=403)
    client.delete(_path(guest), expect=403)
    whole = dict.fromkeys(("firstname", "lastname", "email", "enabled", "meta"))
    client.request("PUT", _path(guest), {**whole, "username": "x"}, expect=403)
    acting_in(sign_in(client.app, "ann", "acme"), actor.space_id).get("/me")


def _give_avatar(platform: Platform, user: Actor) -> None:
    with platform.unit_of_work() as uow:
        uow.session.add(Blob(sha512="a" * 128, size=1))
        uow.session.flush()
        avatar = Attachment(
            id=new_id(), space_id=user.space_id, filename="me.png", mime_type="image/png", size=1,
            blob_sha512="a" * 128, type="USER_AVATAR",
        )  # fmt: skip
        uow.session.add(avatar)
        uow.session.flush()
        uow.session.get_one(User, user.user_id).avatar_id = avatar.id
        uow.commit()


def test_deleting_forgets_what_is_personal(client: ApiClient, platform: Platform) -> None:
    ann = make_user(platform, "ann", [Permission.CREATE_TAG])
    client.patch(_path(ann), {"firstname": "Ann", "lastname": "A", "email": "a@example.com", "meta": {"a": 1}})
    _give_avatar(platform, ann)
    assert client.get(_path(ann))["avatarUrl"] == f"/api/v1{_path(ann)}/avatar/data"
    login = sign_in(client.app, "ann")
    key = key_of(login, "k")
    tag = login.post("/tags", {"name": "t"}, expect=201)["uuid"]
    client.post(f"/tags/{tag}/rating", {"rating": 3})
    client.delete(_path(ann))
    for caller in (login, key):
        caller.get("/me", expect=401)
    maker = client.get(f"/tags/{tag}")["status"]["creator"]
    assert maker["uuid"] == str(ann.user_id)
    assert maker["name"].startswith("deleted-")
    assert "ann" not in maker["name"]
    with platform.unit_of_work() as uow:
        user = uow.session.get_one(User, ann.user_id)
        personal = (user.firstname, user.lastname, user.email, user.password_hash, user.avatar_id, user.meta)
        assert personal == (None, None, None, None, None, {})
        assert user.deleted is not None
        for table in ("token", "space_member", "group_user", "tag_rating", "user_identity"):
            assert uow.fetch(f"SELECT 1 FROM {table} WHERE user_id = %(id)s", id=ann.user_id) == []
        assert uow.fetch("SELECT 1 FROM attachment") == []
        assert uow.fetch("SELECT count(*) FROM task WHERE kind = %(kind)s", kind=DELETE_BLOB.name) == [(1,)]
    for method in ("GET", "PATCH", "DELETE"):
        client.request(method, _path(ann), {}, expect=404)
    assert _path(ann)[-36:] not in uuids(client.get("/users"))
    client.post("/users", {"username": "ann"}, expect=201)


def test_nobody_can_keep_somebody_from_being_deleted_by_a_name(client: ApiClient, platform: Platform) -> None:
    ann = make_user(platform, "ann")
    client.post("/users", {"username": f"deleted-{ann.user_id}"}, expect=201)
    client.delete(_path(ann))


def test_deleting_at_once_is_done_once(client: ApiClient, platform: Platform) -> None:
    ann = make_user(platform, "ann")
    assert crowd(lambda _: status_of(client, "DELETE", _path(ann)), 10) == {204: 1, 404: 9}


def test_what_a_user_is_in_is_listed_page_by_page(client: ApiClient, platform: Platform) -> None:
    ann = make_user(platform, "ann", [Permission.READ_TAG])
    groups = [client.post("/groups", {"name": f"g{number}"}, expect=201)["uuid"] for number in range(5)]
    role = client.post("/roles", {"name": "r"}, expect=201)["uuid"]
    for group in groups:
        client.post(f"/groups/{group}/users/{ann.user_id}", expect=201)
        client.post(f"/groups/{group}/roles/{role}", expect=201)
    named = [group["name"] for group in client.all(f"{_path(ann)}/groups", limit=2, sort="name", dir="desc")]
    assert named == ["group of ann", "g4", "g3", "g2", "g1", "g0"]
    roles = client.get(f"{_path(ann)}/roles")
    assert [each["name"] for each in roles["data"]] == ["role of ann", "r"]
    assert roles["_metainfo"]["totalCount"] == 2
