"""Attacks that docs/security.md lists and no other test tries: confused tokens, forged fields, leaks, caches."""

from __future__ import annotations

import hmac
import statistics
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher
from flask import Flask

from models.ids import new_id
from models.services import passwords
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.settings import PASSWORD
from web.app import connect_app
from workers.inline import run_all

_LONG_AGO = "2000-01-01T00:00:00Z"


def test_tokens_of_another_make_are_none(client: ApiClient) -> None:
    content = jwt.decode(client.token or "", options={"verify_signature": False})
    secret = client.app.config["JWT_SECRET_KEY"]
    forged = [
        *(_signed(client.token or "", secret, name) for name in ("HS384", "HS512")),
        jwt.encode({**content, "aud": "another service"}, secret, algorithm="HS256"),
        jwt.encode({name: value for name, value in content.items() if name != "aud"}, secret, algorithm="HS256"),
        jwt.encode({**content, "type": "refresh"}, secret, algorithm="HS256"),
        jwt.encode({**content, "nbf": time.time() + 600}, secret, algorithm="HS256"),
        jwt.encode({**content, "epoch": content["epoch"] + 1}, secret, algorithm="HS256"),
        *(_unsigned(client.token or "", name) for name in ("none", "None", "NONE", "nOnE", "")),
        f"{client.token}.{client.token}", (client.token or "").rpartition(".")[0] + ".",
    ]  # fmt: skip
    for token in forged:
        client.anonymous().request("GET", "/me", headers={"Authorization": f"Bearer {token}"}, expect=401)
        client.anonymous().request("GET", "/me", headers={"Cookie": f"__Host-loom_token={token}"}, expect=401)


def _signed(token: str, secret: str, algorithm: str) -> str:
    """Sign what a token says in another way, with the right key."""
    content = ".".join([_head(algorithm), token.split(".")[1]])
    signature = hmac.digest(secret.encode(), content.encode(), f"sha{algorithm[2:]}")
    return f"{content}.{jwt.utils.base64url_encode(signature).decode()}"


def _head(algorithm: str) -> str:
    return jwt.utils.base64url_encode(f'{{"alg": "{algorithm}", "typ": "JWT"}}'.encode()).decode()


def _unsigned(token: str, algorithm: str) -> str:
    """Say in the head of a token that it is not signed."""
    return f"{_head(algorithm)}.{token.split('.')[1]}."


_BODIES: dict[str, dict[str, Any]] = {
    "/assets": {"sha512": "a" * 128, "filename": "a.jpg"},
    "/libraries": {"name": "a"},
    "/collections": {"name": "a"},
    "/tags": {"name": "a", "collection": "b"},
    "/groups": {"name": "a"},
    "/roles": {"name": "a"},
    "/users": {"username": "mallory", "password": PASSWORD},
    "/tokens": {"name": "a"},
    "/webhooks": {"url": "https://example.org/hook"},
    "/saved-searches": {"name": "a", "query": {}},
    "/blacklists": {"sha512": "b" * 128},
}


@pytest.mark.parametrize("path", _BODIES)
def test_nobody_sets_what_only_loom_sets(client: ApiClient, platform: Platform, path: str) -> None:
    somebody, somewhere, some_id = str(new_id()), str(new_id()), str(new_id())
    forged = {
        "uuid": some_id, "id": some_id, "revision": 99, "created": _LONG_AGO, "edited": _LONG_AGO,
        "creator": {"uuid": somebody}, "creatorUuid": somebody, "creator_id": somebody, "editor_id": somebody,
        "spaceUuid": somewhere, "space_id": somewhere, "space": somewhere, "password_hash": "x", "passwordHash": "x",
        "epoch": 9, "token_id": some_id, "owner_id": somebody, "user_id": somebody, "isAdmin": True, "admin": True,
    }  # fmt: skip
    made = client.post(path, {**_BODIES[path], **forged}, expect=201)
    shown = client.get(f"{path}/{made['uuid']}")
    assert made["uuid"] != some_id
    assert not {somebody, somewhere, some_id} & set(_texts(shown))
    assert not shown.get("created", "").startswith("2000")
    assert platform is not None
    client.get(f"{path}/{some_id}", expect=404)


def _texts(value: Any) -> list[str]:
    """All texts within a JSON value."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def test_secrets_are_kept_from_everybody(
    client: ApiClient, platform: Platform, capfd: pytest.CaptureFixture[str]
) -> None:
    """Once given, a password, a key and a login are in no answer, no log and no table."""
    password = "a password that nobody sees again"
    user = client.post("/users", {"username": "eve", "password": password}, expect=201)
    login = client.anonymous().post("/auth/login", {"username": "eve", "password": password})["token"]
    key = client.post("/tokens", {"name": "of a robot"}, expect=201)["token"]
    hook = client.post("/webhooks", {"url": "https://example.org/hook"}, expect=201)
    signing = hook["secretToken"]
    client.patch(f"/users/{user['uuid']}", {"password": password + "!"})
    client.anonymous().post("/auth/login", {"username": "eve", "password": password + "?"}, expect=401)
    ApiClient(client.app, key).post("/assets/bulk/create", {"assets": [{"sha512": "nonsense"}]}, expect=202)
    client.post(f"/webhooks/{hook['uuid']}/ping", expect=202)
    run_all(platform)
    secrets = {password, password + "!", password + "?", login, key, platform.settings.signing_key}

    with platform.unit_of_work() as uow:
        tables = [str(row[0]) for row in uow.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")]  # fmt: skip
        rows = {name: "\n".join(str(row[0]) for row in uow.fetch(f'SELECT t::text FROM "{name}" t')) for name in tables}
    assert {name for name, text in rows.items() for secret in secrets if secret in text} == set()
    assert {name for name, text in rows.items() if signing in text} == {"webhook"}
    answers = {path: client.request("GET", path).get_data(as_text=True) for path in _reads(client)}
    assert len(answers) > 40
    assert {path for path, text in answers.items() for secret in (*secrets, signing) if secret in text} == set()
    told = "".join(capfd.readouterr())
    assert [secret for secret in (*secrets, signing) if secret in told] == []


def _reads(client: ApiClient) -> list[str]:
    """All that can be read without naming an element."""
    rules = client.app.url_map.iter_rules()
    return [
        rule.rule for rule in rules if "GET" in (rule.methods or ()) and not rule.arguments and "/ws" not in rule.rule
    ]


def test_a_name_that_is_unknown_takes_as_long_as_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher())  # as in production; tests have a quick one
    passwords._nobody.cache_clear()
    known = passwords.hash_password(PASSWORD)
    passwords.fits(None, "x")

    def seconds(stored: str | None) -> float:
        begun = time.perf_counter()
        assert not passwords.fits(stored, "wrong")
        return time.perf_counter() - begun

    ratio = statistics.median(seconds(None) for _ in range(9)) / statistics.median(seconds(known) for _ in range(9))
    passwords._nobody.cache_clear()
    assert 0.5 < ratio < 2


def test_answers_are_for_one_reader_and_no_shared_cache(client: ApiClient) -> None:
    made = client.request("POST", "/tags", {"name": "a", "collection": "b"}, expect=201)
    assert made.headers["Cache-Control"] == "no-store"
    for caller in (client, client.anonymous()):
        for path in ("/tags", "/me", "/nowhere"):
            answer = caller.request("GET", path)
            assert "private" in answer.headers["Cache-Control"]
            assert {"Authorization", "Cookie", "X-Loom-Space"} <= set(answer.vary)


@pytest.mark.parametrize(
    "header", ["Host", "X-Forwarded-Host", "X-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded"]
)
def test_no_header_gets_into_an_answer(client: ApiClient, header: str) -> None:
    evil = {header: "host=evil.example" if header == "Forwarded" else "evil.example"}
    answers = [
        client.request("POST", "/tags", {"name": header, "collection": "b"}, headers=evil, expect=201),
        client.request("POST", "/uploads", b"", headers={**evil, "Tus-Resumable": "1.0.0", "Upload-Length": "1"}),
        client.request("GET", "/tags", headers=evil), client.request("GET", "/openapi.json", headers=evil),
        client.request("GET", "/nowhere", headers=evil),
    ]  # fmt: skip
    for answer in answers:
        assert "evil.example" not in str(answer.headers)
        assert "evil.example" not in answer.get_data(as_text=True)


def test_only_pages_of_allowed_origins_read_answers(app: Flask, client: ApiClient, platform: Platform) -> None:
    settings = platform.settings.model_copy(update={"cors_origins": ("https://ours.example",)})
    connect_app(app, replace(platform, settings=settings))
    ours = client.request("GET", "/tags", headers={"Origin": "https://ours.example"})
    assert ours.headers["Access-Control-Allow-Origin"] == "https://ours.example"
    for origin in ("https://theirs.example", "https://ours.example.theirs.example", "null", "http://ours.example"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
        assert "Access-Control-Allow-Origin" not in client.request("GET", "/tags", headers={"Origin": origin}).headers
        preflight = client.anonymous().request("OPTIONS", "/tags", headers=asked, expect=204)
        assert "Access-Control-Allow-Origin" not in preflight.headers
