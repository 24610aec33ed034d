"""Section 4 of the wire contract: users, groups, roles, memberships and permissions."""

from __future__ import annotations

from uuid import UUID

import pytest

from models.permissions import Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in

NOBODY = str(UUID(int=1))
FULL = (
    "ANNOTATION", "ASSET", "ASSET_BINARY", "ASSET_LOCATION", "ASSET_POOL", "ATTACHMENT", "BLACKLIST", "COLLECTION",
    "COMMENT", "EMBEDDING", "GROUP", "LIBRARY", "PIPELINE", "REACTION", "ROLE", "SPACE", "TAG", "TASK", "TOKEN", "USER",
    "WEBHOOK",
)  # fmt: skip
SINGLE = (
    "TAG_ASSET", "UNTAG_ASSET", "READ_PIPELINE_VERSION", "RESTORE_PIPELINE_VERSION", "READ_SEARCH", "READ_SEARCH_INDEX",
)  # fmt: skip


def test_4_1_a_user_and_what_never_comes_out(client: ApiClient) -> None:
    body = {"username": "ann", "firstname": "A", "lastname": "B", "email": "a@example.org", "password": "long enough"}
    made = client.post("/users", body, expect=201)
    assert {key: made.get(key) for key in body} == {**body, "password": None}
    assert made["enabled"] is True
    assert "avatarUrl" not in made
    client.post("/users", {"username": "ann"}, expect=409)
    client.post("/users", {"firstname": "C"}, expect=400)
    for key, value in (("username", "ann"), ("enabled", "true")):
        found = client.get("/users", query_string={"filter": f"{key}[eq]={value}"})["data"]
        assert made["uuid"] in {user["uuid"] for user in found}


def test_4_1_a_deleted_user_is_still_named_by_what_they_made(client: ApiClient, platform: Platform) -> None:
    made = make_user(platform, "ann", [Permission.CREATE_GROUP, Permission.READ_GROUP])
    group = sign_in(client.app, "ann").post("/groups", {"name": "g"}, expect=201)
    client.request("DELETE", f"/users/{made.user_id}", expect=204)
    client.get(f"/users/{made.user_id}", expect=404)
    creator = client.get(f"/groups/{group['uuid']}")["status"]["creator"]
    assert creator["uuid"] == str(made.user_id)
    assert creator["name"]
    client.post("/users", {"username": "ann"}, expect=201)


@pytest.mark.parametrize("kind", ["users", "roles"])
def test_4_3_membership_answers_the_group_with_201_then_200(client: ApiClient, kind: str) -> None:
    body = {"username": "u"} if kind == "users" else {"name": "r"}
    member = client.post(f"/{kind}", body, expect=201)["uuid"]
    group = client.post("/groups", {"name": "g"}, expect=201)["uuid"]
    path = f"/groups/{group}/{kind}"
    for status in (201, 200):
        assert client.post(f"{path}/{member}", expect=status)["uuid"] == group
    page = client.get(path)
    assert [each["uuid"] for each in page["data"]] == [member]
    assert page["_metainfo"] == {"lastUuid": member, "perPage": 25, "totalCount": 1}
    client.delete(f"{path}/{member}")
    assert client.get(path)["data"] == []
    client.post(f"{path}/{NOBODY}", expect=404)
    client.post(f"/groups/{NOBODY}/{kind}/{member}", expect=404)


def test_4_3_what_a_user_is_in_and_has(client: ApiClient) -> None:
    user = client.post("/users", {"username": "u"}, expect=201)["uuid"]
    role = client.post("/roles", {"name": "r"}, expect=201)["uuid"]
    group = client.post("/groups", {"name": "g"}, expect=201)["uuid"]
    client.post(f"/groups/{group}/users/{user}", expect=201)
    client.post(f"/groups/{group}/roles/{role}", expect=201)
    assert [each["uuid"] for each in client.get(f"/users/{user}/groups")["data"]] == [group]
    assert [each["uuid"] for each in client.get(f"/users/{user}/roles")["data"]] == [role]


def test_4_4_permissions_are_a_set_of_names(client: ApiClient) -> None:
    role = client.post("/roles", {"name": "r", "permissions": ["READ_TAG", "READ_TAG", "READ_ASSET"]}, expect=201)
    assert role["permissions"] == ["READ_ASSET", "READ_TAG"]
    client.post("/roles", {"name": "r"}, expect=409)
    client.post("/roles", {"name": "s", "permissions": ["READ_EVERYTHING"]}, expect=400)


def test_4_5_all_names_of_permissions_in_scope_can_be_granted(client: ApiClient) -> None:
    names = sorted(
        [f"{verb}_{entity}" for entity in FULL for verb in ("CREATE", "READ", "UPDATE", "DELETE")] + [*SINGLE]
    )
    assert client.post("/roles", {"name": "r", "permissions": names}, expect=201)["permissions"] == names


def test_4_5_admin_holds_everything_by_a_group_and_a_role(client: ApiClient) -> None:
    me = client.get("/me")
    assert me["permissions"] == sorted(Permission)
    assert [group["name"] for group in client.get(f"/users/{me['uuid']}/groups")["data"]] == ["admins"]
    [role] = client.get(f"/users/{me['uuid']}/roles")["data"]
    assert (role["name"], role["permissions"]) == ("admin-role", sorted(Permission))


def test_4_5_sample_roles_are_there(client: ApiClient) -> None:
    roles = {role["name"]: set(role["permissions"]) for role in client.get("/roles")["data"]}
    editor, viewer = roles["editor"], roles["viewer"]
    assert {"CREATE_ASSET", "DELETE_TAG", "UPDATE_COLLECTION", "TAG_ASSET", "UNTAG_ASSET", "READ_USER"} <= editor
    assert all(name.startswith("READ_") for name in viewer)
    assert {"READ_ASSET", "READ_LIBRARY", "READ_ASSET_POOL", "READ_PIPELINE"} <= viewer


def test_4_5_grants_for_a_library_or_a_collection(client: ApiClient) -> None:
    role = client.post("/roles", {"name": "r"}, expect=201)["uuid"]
    library = client.post("/libraries", {"name": "l"}, expect=201)["uuid"]
    grant = {"permission": "READ_ASSET", "resource": f"library/{library}"}
    path = f"/roles/{role}/permissions"
    made = client.post(path, grant, expect=201)
    assert client.post(path, grant, expect=200) == made == {**grant, "uuid": made["uuid"]}
    assert client.get(path)["data"] == [made]
    client.post(path, {**grant, "resource": f"collection/{NOBODY}"}, expect=400)
    client.delete(f"{path}/{made['uuid']}")


def test_4_5_a_grant_for_all_is_one_of_the_permissions_of_the_role(client: ApiClient) -> None:
    role = client.post("/roles", {"name": "r"}, expect=201)["uuid"]
    path, grant = f"/roles/{role}/permissions", {"permission": "READ_ASSET", "resource": "all"}
    made = client.post(path, grant, expect=201)
    assert client.get(path)["data"] == [made] == [{**grant, "uuid": made["uuid"]}]
    assert client.get(f"/roles/{role}")["permissions"] == ["READ_ASSET"]
    client.delete(f"{path}/{made['uuid']}")
    assert client.get(f"/roles/{role}")["permissions"] == []


def test_4_5_missing_permissions_are_403_and_the_union_counts(client: ApiClient, platform: Platform) -> None:
    ann = make_user(platform, "ann", [Permission.READ_TAG])
    caller = sign_in(client.app, "ann")
    caller.get("/tags")
    caller.get("/assets", expect=403)
    role = client.post("/roles", {"name": "more", "permissions": ["READ_ASSET"]}, expect=201)["uuid"]
    group = client.post("/groups", {"name": "more"}, expect=201)["uuid"]
    client.post(f"/groups/{group}/roles/{role}", expect=201)
    client.post(f"/groups/{group}/users/{ann.user_id}", expect=201)
    caller.get("/tags")
    caller.get("/assets")
