"""The signed-in user: what they are told, and what they change of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from models.permissions import Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.settings import PASSWORD
from tests.support.spaces import key_of

NEW = "another password"


@pytest.fixture
def ann(client: ApiClient, platform: Platform) -> ApiClient:
    """A user with next to no permissions."""
    make_user(platform, "ann", [Permission.READ_TAG, Permission.READ_ASSET])
    return sign_in(client.app, "ann")


def _may_sign_in(client: ApiClient, password: str) -> bool:
    answer = client.anonymous().request("POST", "/auth/login", {"username": "ann", "password": password})
    return answer.status_code == 200


def test_everybody_is_told_who_they_are_and_what_they_may_do(client: ApiClient, ann: ApiClient) -> None:
    me = ann.get("/me")
    assert (me["username"], me["permissions"]) == ("ann", ["READ_ASSET", "READ_TAG"])
    assert me["spaceUuid"] == me["actingSpaceUuid"] == client.get("/spaces")["data"][0]["uuid"]
    assert me["enabled"] is True
    assert client.get("/me")["permissions"] == sorted(Permission)
    assert key_of(ann, "k", ["READ_TAG", "READ_USER"]).get("/me")["permissions"] == ["READ_TAG"]
    assert None not in me["status"].values()


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_people_change_their_names(ann: ApiClient, method: str) -> None:
    body = {"firstname": "Ann", "lastname": "A", "email": "a@example.com", "username": "root", "enabled": False}
    changed = ann.request(method, "/me", {**body, "permissions": ["READ_USER"]}, expect=200).json
    assert {key: changed[key] for key in ("firstname", "lastname", "email")} == {
        "firstname": "Ann", "lastname": "A", "email": "a@example.com"
    }  # fmt: skip
    again = ann.request(method, "/me", {"firstname": None, "lastname": ""}, expect=200).json
    assert (again["username"], again["enabled"], again["firstname"], again["lastname"]) == ("ann", True, "Ann", "")
    assert again["status"]["editor"]["name"] == "ann"
    assert again["permissions"] == ["READ_ASSET", "READ_TAG"]
    etag = ann.request("GET", "/me").headers["ETag"]
    ann.request(method, "/me", {"firstname": "A"}, headers={"If-Match": '"0"'}, expect=412)
    ann.request(method, "/me", {"firstname": "A"}, headers={"If-Match": etag}, expect=200)


def test_a_new_password_ends_every_login(client: ApiClient, ann: ApiClient) -> None:
    other, key = sign_in(client.app, "ann"), key_of(ann, "k")
    ann.patch("/me", {"password": NEW, "currentPassword": PASSWORD})
    for login in (ann, other):
        login.get("/me", expect=401)
    key.get("/me")
    assert (_may_sign_in(client, PASSWORD), _may_sign_in(client, NEW)) == (False, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"password": NEW}, 400),
        ({"password": NEW, "currentPassword": None}, 400),
        ({"password": NEW, "currentPassword": 1}, 400),
        ({"password": "short", "currentPassword": PASSWORD}, 400),
        ({"password": NEW, "currentPassword": ""}, 403),
        ({"password": NEW, "currentPassword": NEW}, 403),
    ],
)
def test_a_password_is_not_changed(client: ApiClient, ann: ApiClient, body: dict[str, Any], status: int) -> None:
    answer = ann.patch("/me", {**body, "firstname": "Eve"}, expect=status)
    assert "Password" in answer["message"] or "password" in answer["message"]
    assert "firstname" not in ann.get("/me")
    assert _may_sign_in(client, PASSWORD)


def test_guessing_the_current_password_is_slowed_down(ann: ApiClient) -> None:
    for _ in range(10):
        ann.patch("/me", {"password": NEW, "currentPassword": "wrong"}, expect=403)
    answer = ann.request("PATCH", "/me", {"password": NEW, "currentPassword": PASSWORD}, expect=429)
    assert int(answer.headers["Retry-After"]) > 0
    ann.patch("/me", {"firstname": "Ann"})


def test_a_narrow_key_changes_nothing_of_its_owner(client: ApiClient, ann: ApiClient) -> None:
    key = key_of(client, "k", [str(permission) for permission in Permission])
    for body in ({"firstname": "Eve"}, {"password": NEW, "currentPassword": PASSWORD}, {}):
        key.patch("/me", body, expect=403)
    key_of(ann, "wide").patch("/me", {"password": NEW, "currentPassword": PASSWORD})


def test_who_has_no_password_gets_none_by_themselves(client: ApiClient, platform: Platform, ann: ApiClient) -> None:
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE \"user\" SET password_hash = NULL WHERE username = 'ann'")
        uow.commit()
    for guess in ("", "None", PASSWORD):
        ann.patch("/me", {"password": NEW, "currentPassword": guess}, expect=403)
    assert not _may_sign_in(client, NEW)
