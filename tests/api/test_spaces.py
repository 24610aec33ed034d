"""Spaces: who sees, makes and removes them, who may act in them, and what is in them. The rest is in test_specs.py."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from models.entities import (
    Attachment,
    Blacklist,
    Blob,
    Comment,
    Reaction,
    Space,
    Tag,
    TagRating,
    User,
    Webhook,
)  # fmt: skip
from models.ids import new_id
from models.messages import DELETE_BLOB
from models.permissions import Actor, Permission
from models.sample_roles import SAMPLE_ROLES, VIEWER
from models.services.blobs import request_blob_removal
from models.services.pipelines import create_pipeline
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.crowds import crowd
from tests.support.organising import at_once, events_about, make_assets, status_of, uuids
from tests.support.people import make_space, make_user, sign_in
from tests.support.settings import PASSWORD
from tests.support.spaces import acting_in, key_of


@pytest.fixture
def acme(client: ApiClient) -> str:
    """A space that the administrator has made."""
    made: str = client.post("/spaces", {"name": "acme"}, expect=201)["uuid"]
    return made


def _operator(client: ApiClient, platform: Platform, *permissions: Permission) -> ApiClient:
    make_user(platform, "op", permissions)
    return sign_in(client.app, "op")


def test_whoever_makes_a_space_administers_it(client: ApiClient, acme: str) -> None:
    there = acting_in(client, acme)
    me = there.get("/me")
    assert (me["actingSpaceUuid"], me["permissions"]) == (acme, sorted(Permission))
    assert me["spaceUuid"] == client.get("/me")["actingSpaceUuid"]
    roles = {role["name"]: role["permissions"] for role in there.get("/roles")["data"]}
    assert roles == {name: sorted(permissions) for name, permissions in SAMPLE_ROLES.items()}
    assert [group["name"] for group in there.get("/groups")["data"]] == ["admins"]
    ann = there.post("/users", {"username": "ann", "password": PASSWORD}, expect=201)
    assert ann["spaceUuid"] == acme
    anns = sign_in(client.app, "ann", "acme")
    assert anns.get("/me")["permissions"] == []
    there.post(f"/groups/{there.get('/groups')['data'][0]['uuid']}/users/{ann['uuid']}", expect=201)
    anns.post("/tags", {"name": "t"}, expect=201)
    assert client.get("/tags")["data"] == []
    for method in ("GET", "PATCH", "DELETE"):
        client.request(method, f"/roles/{there.get('/roles')['data'][0]['uuid']}", {}, expect=404)


def test_a_space_is_named_by_its_uuid(client: ApiClient, acme: str) -> None:
    for wrong in ("", "acme", "x" * 36):
        client.get("/me", headers={"X-Loom-Space": wrong}, expect=400)
    client.get("/me", headers={"X-Loom-Space": str(uuid4())}, expect=404)
    key = key_of(client, "k")
    key.get("/me", headers={"X-Loom-Space": acme}, expect=404)
    assert key_of(acting_in(client, acme), "there").get("/me")["actingSpaceUuid"] == acme


def test_everybody_sees_the_spaces_that_they_are_in(
    client: ApiClient, platform: Platform, actor: Actor, acme: str
) -> None:
    other = make_space(platform, "other")
    ann = make_user(platform, "ann", space_id=UUID(acme))
    anns = sign_in(client.app, "ann", "acme")
    page = anns.get("/spaces")
    assert (uuids(page), page["_metainfo"]["totalCount"]) == ([acme], 1)
    client.post(f"/spaces/{other}/users/{ann.user_id}", expect=201)
    assert uuids(anns.all("/spaces", limit=1)) == [acme, str(other)]
    assert anns.get(f"/spaces/{other}")["name"] == "other"
    for method in ("GET", "PATCH", "DELETE"):
        status = 404 if method == "GET" else 403
        anns.request(method, f"/spaces/{actor.space_id}", {}, expect=status)
    assert uuids(key_of(anns, "k", []).get("/spaces")) == [acme]
    assert set(uuids(client.get("/spaces"))) == {acme, str(other), str(actor.space_id)}


@pytest.mark.parametrize("permission", [Permission.CREATE_SPACE, Permission.UPDATE_SPACE, Permission.DELETE_SPACE])
def test_operators_see_all_and_do_what_they_may(
    client: ApiClient, platform: Platform, acme: str, permission: Permission
) -> None:
    operator = _operator(client, platform, permission)
    assert acme in uuids(operator.get("/spaces"))
    assert acme in uuids(key_of(operator, "k", [str(permission)]).get("/spaces"))
    assert acme not in uuids(key_of(operator, "none", []).get("/spaces"))

    def may(wanted: Permission, status: int) -> int:
        return status if wanted is permission else 403

    operator.request("POST", "/spaces", {"name": "b"}, expect=may(Permission.CREATE_SPACE, 201))
    operator.request("PATCH", f"/spaces/{acme}", {"name": "c"}, expect=may(Permission.UPDATE_SPACE, 200))
    user = client.get("/me")["uuid"]
    operator.request("POST", f"/spaces/{acme}/users/{user}", expect=may(Permission.UPDATE_SPACE, 200))
    operator.request("DELETE", f"/spaces/{acme}", expect=may(Permission.DELETE_SPACE, 204))


def test_viewers_of_the_default_space_and_administrators_of_others_are_no_operators(
    client: ApiClient, platform: Platform, actor: Actor, acme: str
) -> None:
    make_user(platform, "viewer", VIEWER)
    viewer = sign_in(client.app, "viewer")
    assert uuids(viewer.get("/spaces")) == [str(actor.space_id)]
    ann = make_user(platform, "ann", list(Permission), space_id=UUID(acme))
    anns = sign_in(client.app, "ann", "acme")
    anns.post("/spaces", {"name": "x"}, expect=403)
    for change in ({"name": "x"}, {"poolRoots": ["/"]}, {"meta": {"a": 1}}):
        anns.patch(f"/spaces/{acme}", change, expect=403)
    anns.request("PUT", f"/spaces/{acme}", {"name": "x", "poolRoots": ["/"], "meta": None}, expect=403)
    anns.delete(f"/spaces/{acme}", expect=403)
    anns.post(f"/spaces/{acme}/users/{actor.user_id}", expect=403)
    anns.delete(f"/spaces/{acme}/users/{ann.user_id}", expect=403)
    # Operators act as such in the space `default` only.
    acting_in(client, acme).post("/spaces", {"name": "x"}, expect=403)
    acting_in(client, acme).delete(f"/spaces/{acme}", expect=403)


def test_pool_roots_are_not_for_everybody(client: ApiClient, platform: Platform, acme: str) -> None:
    roots = ["/srv/acme", "/srv/more\\x0a"]
    assert client.patch(f"/spaces/{acme}", {"poolRoots": roots})["poolRoots"] == roots
    make_user(platform, "maker", [Permission.CREATE_ASSET_POOL], space_id=UUID(acme))
    make_user(platform, "viewer", VIEWER, space_id=UUID(acme))
    for name, told in (("maker", roots), ("viewer", None)):
        caller = sign_in(client.app, name, "acme")
        assert caller.get(f"/spaces/{acme}").get("poolRoots") == told
        assert caller.get("/spaces")["data"][0].get("poolRoots") == told
        caller.get("/spaces", query_string={"fields": "uuid,poolRoots"})
    assert client.get(f"/spaces/{acme}")["poolRoots"] == roots
    for wrong in ("x", [""], ["relative"], ["/a\\x00"], ["/a\\"], [1], [None], "/"):
        assert "poolRoots" in client.patch(f"/spaces/{acme}", {"poolRoots": wrong}, expect=400)["message"]
    whole = {"name": "acme", "meta": None, "poolRoots": None}
    assert client.request("PUT", f"/spaces/{acme}", whole, expect=200).json["poolRoots"] == []


def test_guests_come_and_go(client: ApiClient, platform: Platform, acme: str) -> None:
    ann = make_user(platform, "ann")
    anns, member = acting_in(sign_in(client.app, "ann"), acme), f"/spaces/{acme}/users/{ann.user_id}"
    anns.get("/me", expect=404)
    assert client.post(member, expect=201)["name"] == "acme"
    client.post(member, expect=200)
    assert anns.get("/me")["permissions"] == []
    there = acting_in(client, acme)
    group = f"/groups/{there.get('/groups')['data'][0]['uuid']}/users/{ann.user_id}"
    there.post(group, expect=201)
    key = key_of(anns, "k")
    key.get("/tags")
    assert {user["username"] for user in client.all(f"/spaces/{acme}/users", limit=1)} == {"admin", "ann"}
    client.delete(member)
    client.delete(member)
    anns.get("/me", expect=404)
    key.get("/me", expect=401)
    client.post(member, expect=201)
    assert anns.get("/me")["permissions"] == []
    key.get("/me", expect=401)
    assert events_about(platform, "space.updated") == [acme] * 3


def test_members_who_stay(client: ApiClient, platform: Platform, actor: Actor, acme: str) -> None:
    ann = make_user(platform, "ann", space_id=UUID(acme))
    assert "belongs" in client.request("DELETE", f"/spaces/{acme}/users/{ann.user_id}", expect=409).json["message"]
    assert "manage" in client.request("DELETE", f"/spaces/{acme}/users/{actor.user_id}", expect=409).json["message"]
    client.delete(f"/spaces/{actor.space_id}/users/{actor.user_id}", expect=409)
    acting_in(client, acme).get("/users")


def test_no_such_member(client: ApiClient, platform: Platform, acme: str) -> None:
    gone = make_user(platform, "ann")
    client.delete(f"/users/{gone.user_id}")
    for user in (gone.user_id, uuid4()):
        client.post(f"/spaces/{acme}/users/{user}", expect=404)
    client.post(f"/spaces/{uuid4()}/users/{client.get('/me')['uuid']}", expect=404)
    client.post(f"/spaces/{acme}/users/x", expect=400)


def test_many_at_once_let_one_guest_in(client: ApiClient, platform: Platform, acme: str) -> None:
    path = f"/spaces/{acme}/users/{make_user(platform, 'ann').user_id}"
    assert crowd(lambda _: status_of(client, "POST", path)) == {201: 1, 200: 49}
    assert set(crowd(lambda number: status_of(client, "POST" if number % 2 else "DELETE", path))) <= {200, 201, 204}


def _library(client: ApiClient, name: str) -> str:
    made: str = client.post("/libraries", {"name": name}, expect=201)["uuid"]
    return made


def _collection(client: ApiClient, name: str) -> str:
    made: str = client.post("/collections", {"name": name}, expect=201)["uuid"]
    return made


def test_what_is_in_a_space(client: ApiClient, platform: Platform, actor: Actor, acme: str) -> None:
    there, home = acting_in(client, acme), str(actor.space_id)
    libraries = [_library(caller, name) for caller, name in ((client, "a"), (there, "b"), (there, "c"))]
    collections = [_collection(caller, name) for caller, name in ((client, "a"), (there, "b"), (there, "c"))]
    member = make_user(platform, "ann", [Permission.READ_LIBRARY, Permission.READ_COLLECTION], space_id=UUID(acme))
    anns = sign_in(client.app, "ann", "acme")
    for kind, made in (("libraries", libraries), ("collections", collections)):
        for caller in (client, there, anns):
            assert uuids(caller.all(f"/spaces/{acme}/{kind}", limit=1)) == made[1:]
        assert uuids(client.get(f"/spaces/{acme}/{kind}", query_string={"filter": "name[eq]=b"})) == made[1:2]
        assert uuids(client.get(f"/spaces/{home}/{kind}")) == made[:1]
        anns.get(f"/spaces/{home}/{kind}", expect=404)
        client.get(f"/spaces/{uuid4()}/{kind}", expect=404)
        client.delete(f"/spaces/{acme}/{kind}/{made[1]}", expect=405)
    assert client.get(f"/spaces/{acme}/libraries")["data"][0]["poolUuids"] == []
    client.post(f"/spaces/{home}/users/{member.user_id}", expect=201)
    anns.get(f"/spaces/{home}/libraries", expect=400)
    assert acting_in(anns, home).request("GET", f"/spaces/{home}/libraries").status_code == 403


def test_grants_for_single_libraries_stay_in_their_space(
    client: ApiClient, platform: Platform, actor: Actor, acme: str
) -> None:
    library, other = UUID(_library(client, "a")), _library(acting_in(client, acme), "b")
    make_user(platform, "op", [Permission.CREATE_SPACE], scoped=[(Permission.READ_LIBRARY, "library", library)])
    operator = sign_in(client.app, "op")
    assert uuids(operator.get(f"/spaces/{actor.space_id}/libraries")) == [str(library)]
    assert uuids(operator.get(f"/spaces/{acme}/libraries")) == []
    operator.post(f"/spaces/{acme}/libraries/{other}", expect=404)


@pytest.mark.parametrize(("kind", "make"), [("libraries", _library), ("collections", _collection)])
def test_nothing_moves_into_another_space(client: ApiClient, actor: Actor, acme: str, kind: str, make: Any) -> None:
    here, there = make(client, "a"), make(acting_in(client, acme), "b")
    assert client.post(f"/spaces/{actor.space_id}/{kind}/{here}")["uuid"] == str(actor.space_id)
    assert client.post(f"/spaces/{acme}/{kind}/{there}")["uuid"] == acme
    assert "move" in client.post(f"/spaces/{acme}/{kind}/{here}", expect=409)["message"]
    client.post(f"/spaces/{actor.space_id}/{kind}/{there}", expect=404)
    client.post(f"/spaces/{acme}/{kind}/{uuid4()}", expect=404)


def test_the_default_space_stays(client: ApiClient, actor: Actor) -> None:
    path = f"/spaces/{actor.space_id}"
    client.delete(path, expect=409)
    client.patch(path, {"name": "other"}, expect=409)
    client.request("PUT", path, {"name": "other", "meta": None, "poolRoots": []}, expect=409)
    client.patch(path, {"meta": {"a": 1}})
    client.post("/spaces", {"name": "default"}, expect=409)


def test_a_space_that_holds_something_stays(client: ApiClient, platform: Platform, acme: str) -> None:
    there = acting_in(client, acme)
    client.patch(f"/spaces/{acme}", {"poolRoots": [str(platform.settings.home.parent)]})
    folder = platform.settings.home.parent / "pool"
    folder.mkdir()
    for path, body in (
        ("/libraries", {"name": "l"}), ("/collections", {"name": "c"}),
        ("/asset-pools", {"name": "p", "fsPath": str(folder)}), ("/assets", {"sha512": "a" * 128, "filename": "f"}),
    ):  # fmt: skip
        made = there.post(path, body, expect=201)["uuid"]
        assert "holds" in client.request("DELETE", f"/spaces/{acme}", expect=409).json["message"]
        there.request("DELETE", f"{path}/{made}")
    client.delete(f"/spaces/{acme}")


def _fill(platform: Platform, user: Actor) -> None:
    """Put one of everything that needs no asset into the space of a user."""
    of_space: dict[str, Any] = {"space_id": user.space_id, "creator_id": user.user_id, "editor_id": user.user_id}
    comment, tag, picture = new_id(), new_id(), new_id()
    stored = {"filename": "f", "mime_type": "a/b", "size": 1, "blob_sha512": "a" * 128, "type": "USER_AVATAR"}
    with platform.unit_of_work() as uow:
        create_pipeline(uow, user, {"name": "p"})
        request_blob_removal(uow, user.space_id, ["c" * 128])
        for rows in (
            [Blob(sha512="a" * 128, size=1), Tag(id=tag, name="t", **of_space)],
            [Comment(id=comment, text="x", **of_space), Webhook(id=new_id(), url="https://example.org", **of_space)],
            [Comment(id=new_id(), text="y", parent_id=comment, **of_space)],
            [Reaction(id=new_id(), type="LIKE", comment_id=comment, **of_space)],
            [TagRating(tag_id=tag, user_id=user.user_id, rating=1)],
            [Blacklist(id=new_id(), sha512="b" * 128, **of_space)],
            [Attachment(id=picture, **stored, **of_space)],
        ):
            uow.session.add_all(rows)
            uow.session.flush()
        uow.session.get_one(User, user.user_id).avatar_id = picture
        uow.commit()


def test_an_empty_space_goes_with_all_that_is_left(client: ApiClient, platform: Platform, acme: str) -> None:
    ann = make_user(platform, "ann", list(Permission), space_id=UUID(acme))
    _fill(platform, ann)
    anns = sign_in(client.app, "ann", "acme")
    key, guest = key_of(anns, "k"), acting_in(client, acme)
    guest.get("/tags")
    client.delete(f"/spaces/{acme}")
    for caller, status in ((anns, 401), (key, 401), (guest, 404)):
        caller.get("/me", expect=status)
    login = {"username": "ann", "password": PASSWORD, "space": "acme"}
    client.anonymous().post("/auth/login", login, expect=401)
    client.get(f"/spaces/{acme}", expect=404)
    assert len(client.get("/users")["data"]) == 1
    with platform.unit_of_work() as uow:
        assert uow.session.get(Space, ann.space_id) is None
        user = uow.session.get_one(User, ann.user_id)
        assert (user.enabled, user.password_hash, user.deleted is None) == (False, None, False)
        tasks = uow.fetch("SELECT payload -> 'hashes' FROM task WHERE kind = %(kind)s", kind=DELETE_BLOB.name)
        assert tasks == [(["a" * 128],)]
    client.post("/spaces", {"name": "acme"}, expect=201)


def test_a_space_stays_whose_account_alone_manages_another(client: ApiClient, platform: Platform, acme: str) -> None:
    other = client.post("/spaces", {"name": "other"}, expect=201)["uuid"]
    ann = make_user(platform, "ann", space_id=UUID(acme))
    client.post(f"/spaces/{other}/users/{ann.user_id}", expect=201)
    there = acting_in(client, other)
    group = f"/groups/{there.get('/groups')['data'][0]['uuid']}"
    there.post(f"{group}/users/{ann.user_id}", expect=201)
    there.delete(f"{group}/users/{client.get('/me')['uuid']}")
    assert "manage" in client.request("DELETE", f"/spaces/{acme}", expect=409).json["message"]
    client.get(f"/spaces/{acme}")


def test_nothing_gets_into_a_space_while_it_goes(client: ApiClient, platform: Platform, acme: str) -> None:
    there = acting_in(client, acme)
    acts = [partial(status_of, client, "DELETE", f"/spaces/{acme}")]
    acts += [partial(status_of, there, "POST", "/libraries", {"name": f"l{number}"}) for number in range(8)]
    acts += [partial(status_of, there, "POST", "/users", {"username": f"u{number}"}) for number in range(8)]
    statuses = at_once(acts)
    assert statuses[0] in {204, 409}
    assert set(statuses[1:9]) <= {201, 404, 409}
    assert set(statuses[9:]) <= {201, 404, 409}
    is_there = client.request("GET", f"/spaces/{acme}").status_code == 200
    assert is_there == (statuses[0] == 409)
    with platform.reading() as uow:
        left = uow.fetch("SELECT 1 FROM library WHERE space_id = %(id)s", id=acme)
        assert bool(left) == (201 in statuses[1:9]) == is_there


def test_assets_of_others_are_never_seen(client: ApiClient, platform: Platform, actor: Actor, acme: str) -> None:
    mine = make_assets(platform, actor.space_id, 2)
    theirs = make_assets(platform, UUID(acme), 3)
    there = acting_in(client, acme)
    assert (uuids(client.get("/assets")), uuids(there.get("/assets"))) == (mine, theirs)
    client.get(f"/assets/{theirs[0]}", expect=404)
    there.get(f"/assets/{mine[0]}", expect=404)
