"""Section 3 of the wire contract: signing in, cookies, API keys. The provider's part is in `test_oauth2.py`."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from flask import Flask

from models.settings import Settings
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.settings import PASSWORD
from web.auth import COOKIE

LOGIN = {"username": "admin", "password": PASSWORD}


def test_3_a_token_is_hs256_lives_an_hour_and_names_its_user(client: ApiClient) -> None:
    token = client.anonymous().post("/auth/login", LOGIN)["token"]
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["uuid"] == client.get("/me")["uuid"]
    assert claims["exp"] - claims["iat"] == Settings.model_fields["token_expiration_time"].default == 3600


def test_3_header_key_and_cookie_open_the_same(client: ApiClient) -> None:
    key = client.post("/tokens", {"name": "k"}, expect=201)["token"]
    token = client.anonymous().post("/auth/login", LOGIN)["token"]
    for headers in (
        {"Authorization": f"Bearer {token}"}, {"Authorization": f"bearer {key}"}, {"Cookie": f"{COOKIE}={token}"},
    ):  # fmt: skip
        assert client.anonymous().get("/me", headers=headers)["username"] == "admin"


@pytest.mark.parametrize("path", ["/auth/login", "/login"])
def test_3_a_failed_login_says_so_and_sets_no_cookie(client: ApiClient, path: str) -> None:
    answer = client.anonymous().request("POST", path, {**LOGIN, "password": "wrong"}, expect=401)
    assert answer.json["message"] == "Login failed"
    assert "Set-Cookie" not in answer.headers


def test_3_logging_out_clears_the_cookie_with_all_its_attributes(client: ApiClient) -> None:
    answer = client.anonymous().request("GET", "/auth/oauth2/logout", expect=200)
    assert set(answer.json) == {"message"}
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=;")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict", "Max-Age=0"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/auth/oauth2/login", None), ("GET", "/auth/oauth2/callback?code=a&state=b", None),
     ("POST", "/auth/oauth2", {"code": "a"})],
)  # fmt: skip
def test_3_without_a_provider_signing_in_there_is_503(client: ApiClient, method: str, path: str, body: Any) -> None:
    client.anonymous().request(method, path, body, expect=503)


def test_3_1_the_secret_of_a_key_is_made_by_the_server_and_told_once(client: ApiClient) -> None:
    made = client.post("/tokens", {"name": "k", "token": "my own"}, expect=201)
    assert made["token"] != "my own"
    path = f"/tokens/{made['uuid']}"
    answers = (client.get(path), client.patch(path, {"token": "x"}), *client.get("/tokens")["data"])
    assert all("token" not in answer for answer in answers)
    client.delete(path)
    ApiClient(client.app, made["token"]).get("/me", expect=401)


def test_3_1_names_of_keys_are_unique_per_owner_who_sees_only_their_own(
    app: Flask, client: ApiClient, platform: Platform
) -> None:
    mine = client.post("/tokens", {"name": "k"}, expect=201)
    client.post("/tokens", {"name": "k"}, expect=409)
    make_user(platform, "eve")
    eve = sign_in(app, "eve")
    eve.post("/tokens", {"name": "k"}, expect=201)
    assert [token["name"] for token in eve.get("/tokens")["data"]] == ["k"]
    eve.get(f"/tokens/{mine['uuid']}", expect=404)
