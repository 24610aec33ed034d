"""Signing in, tokens and API keys, and what keeps guessers out."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
import redis
from argon2 import PasswordHasher

from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.platforms import execute
from tests.support.settings import PASSWORD
from web.auth import COOKIE

LOGIN = {"username": "admin", "password": PASSWORD}


@pytest.mark.parametrize("path", ["/auth/login", "/login"])
def test_login_gives_a_token_and_a_cookie(client: ApiClient, path: str) -> None:
    answer = client.anonymous().request("POST", path, LOGIN, expect=200)
    token = answer.json["token"]
    assert ApiClient(client.app, token).get("/me")["username"] == "admin"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}={token}; ")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict", "Max-Age=3600"} <= set(cookie.split("; "))
    assert client.anonymous().get("/me", headers={"Cookie": f"{COOKIE}={token}"})["username"] == "admin"
    UUID(jwt.decode(token, options={"verify_signature": False})["uuid"])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"password": "wrong"}, 401),
        ({"username": "nobody"}, 401),
        ({"username": "a" * 255}, 401),
        ({"username": "a" * 256}, 400),
        ({"password": "a" * 1025}, 400),
        ({"username": None}, 400),
        ({"username": 1}, 400),
        ({"password": ["a"]}, 400),
        ({"username": "a\x00"}, 400),
        ({"password": "\ud800"}, 400),
    ],
)
def test_a_bad_login(client: ApiClient, change: dict[str, Any], status: int) -> None:
    answer = client.anonymous().post("/auth/login", {**LOGIN, **change}, expect=status)
    assert "Set-Cookie" not in answer
    if status == 401:
        assert answer["message"] == "Login failed"


def test_a_disabled_user_is_out_at_once(client: ApiClient, platform: Platform) -> None:
    key = client.post("/tokens", {"name": "k"}, expect=201)["token"]
    execute(platform, "UPDATE \"user\" SET enabled = false WHERE username = 'admin'")
    client.get("/me", expect=401)
    ApiClient(client.app, key).get("/me", expect=401)
    assert client.anonymous().post("/auth/login", LOGIN, expect=401)["message"] == "Login failed"


def test_a_new_epoch_ends_every_login(client: ApiClient, platform: Platform) -> None:
    execute(platform, 'UPDATE "user" SET epoch = epoch + 1')
    client.get("/me", expect=401)
    client.anonymous().post("/auth/login", LOGIN)


def test_tokens_that_were_tampered_with(client: ApiClient) -> None:
    content = jwt.decode(client.token or "", options={"verify_signature": False})
    secret = client.app.config["JWT_SECRET_KEY"]
    expired = {**content, "exp": time.time() - 1}
    forged = (
        jwt.encode(content, "x" * 40, algorithm="HS256"),
        jwt.encode(content, "", algorithm="none"),
        jwt.encode(expired, secret, algorithm="HS256"),
        jwt.encode({key: value for key, value in content.items() if key != "epoch"}, secret, algorithm="HS256"),
        jwt.encode({**content, "uuid": "admin"}, secret, algorithm="HS256"),
        "a.b.c", "", " ", "loom_", "\u00ff",
    )  # fmt: skip
    for token in forged:
        answer = client.anonymous().request("GET", "/me", headers={"Authorization": f"Bearer {token}"}, expect=401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    client.anonymous().get("/me", headers={"Authorization": f"Basic {client.token}"}, expect=401)
    client.anonymous().get("/me", headers={"Authorization": f"bearer {client.token}"})


def test_an_expired_token_does_not_outlive_its_memory(client: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.get("/me")
    later = time.time() + 3601
    monkeypatch.setattr("web.auth.time", lambda: later)
    client.get("/me", expect=401)


def test_an_api_key_is_shown_once_and_acts_as_its_owner(client: ApiClient, platform: Platform) -> None:
    made = client.post("/tokens", {"name": "k", "token": "mine"}, expect=201)
    assert len(made["token"]) == len("loom_") + 43
    assert "token" not in client.get(f"/tokens/{made['uuid']}")
    assert "token" not in client.get("/tokens")["data"][0]
    key = ApiClient(client.app, made["token"])
    assert key.get("/me")["uuid"] == client.get("/me")["uuid"]
    with platform.reading() as uow:
        assert made["token"].encode() not in uow.fetch("SELECT secret_sha256 FROM token")[0][0]
    client.delete(f"/tokens/{made['uuid']}")
    key.get("/me", expect=401)


def test_an_api_key_expires(client: ApiClient) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    made = client.post("/tokens", {"name": "k", "expires": soon.isoformat()}, expect=201)
    assert made["expires"] == soon.strftime("%Y-%m-%dT%H:%M:%SZ")
    key = ApiClient(client.app, made["token"])
    key.get("/me")
    client.patch(f"/tokens/{made['uuid']}", {"expires": "2020-01-01T00:00:00Z"})
    key.get("/me", expect=401)


def test_keys_of_others_do_not_exist(client: ApiClient, platform: Platform) -> None:
    made = client.post("/tokens", {"name": "k"}, expect=201)
    make_user(platform, "eve")
    eve = sign_in(client.app, "eve")
    assert eve.get("/tokens")["_metainfo"]["totalCount"] == 0
    eve.get(f"/tokens/{made['uuid']}", expect=404)
    eve.delete(f"/tokens/{made['uuid']}", expect=404)
    assert ApiClient(client.app, made["token"]).get("/me")["username"] == "admin"


def test_a_narrow_key_neither_sees_nor_makes_more_than_it_carries(client: ApiClient, platform: Platform) -> None:
    wide = client.post("/tokens", {"name": "wide"}, expect=201)
    narrow = client.post("/tokens", {"name": "narrow", "permissions": ["READ_TAG"]}, expect=201)
    assert narrow["permissions"] == ["READ_TAG"]
    holder = ApiClient(client.app, narrow["token"])
    assert holder.get("/tokens")["data"] == []
    holder.get(f"/tokens/{wide['uuid']}", expect=404)
    holder.post("/tokens", {"name": "more"}, expect=403)
    maker = client.post("/tokens", {"name": "maker", "permissions": ["CREATE_TOKEN", "READ_TAG"]}, expect=201)
    holder = ApiClient(client.app, maker["token"])
    holder.post("/tokens", {"name": "wider", "permissions": ["READ_TAG", "READ_ASSET"]}, expect=403)
    assert holder.post("/tokens", {"name": "same"}, expect=201)["permissions"] == ["CREATE_TOKEN", "READ_TAG"]


def test_guessing_is_stopped_per_user_and_address(client: ApiClient) -> None:
    guesser = client.anonymous()
    for _ in range(10):
        guesser.post("/auth/login", {**LOGIN, "password": "wrong"}, expect=401)
    answer = guesser.request("POST", "/auth/login", LOGIN, expect=429)
    assert int(answer.headers["Retry-After"]) > 0
    guesser.post("/auth/login", {**LOGIN, "username": "other"}, expect=401)
    guesser.post("/auth/login", LOGIN, environ_overrides={"REMOTE_ADDR": "10.0.0.9"})


def test_whoever_keeps_trying_does_not_prolong_the_wait(platform: Platform) -> None:
    assert platform.settings.redis_url
    with redis.Redis.from_url(platform.settings.redis_url) as engine:
        assert platform.bus.attempts("login:insistent", 900) == 1
        engine.expire("loom:attempts:login:insistent", 60)
        assert platform.bus.attempts("login:insistent", 900) == 2
        remaining: Any = engine.ttl("loom:attempts:login:insistent")
        assert 0 < remaining <= 60


def test_a_success_forgets_the_failures(client: ApiClient) -> None:
    for _ in range(2):
        for _ in range(9):
            client.anonymous().post("/auth/login", {**LOGIN, "password": "wrong"}, expect=401)
        client.anonymous().post("/auth/login", LOGIN)


def test_guessing_names_is_stopped_per_address(client: ApiClient) -> None:
    statuses = [
        client.anonymous().request("POST", "/auth/login", {"username": f"u{number}", "password": "x"}).status_code
        for number in range(102)
    ]
    assert statuses[:99] == [401] * 99
    assert statuses[-1] == 429


def test_a_weak_hash_is_replaced_at_login(client: ApiClient, platform: Platform) -> None:
    other = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    with platform.unit_of_work() as uow:
        uow.execute('UPDATE "user" SET password_hash = :hash', hash=other)
        uow.commit()
    client.anonymous().post("/auth/login", LOGIN)
    assert _hash(platform) != other
    client.anonymous().post("/auth/login", LOGIN)


def _hash(platform: Platform) -> str:
    with platform.reading() as uow:
        return str(uow.fetch('SELECT password_hash FROM "user"')[0][0])
