"""Where one is signed in: each login is seen, and can be ended; of keys it is known when they were used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from models.permissions import Permission
from models.services.users import log_in
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.platforms import execute, rows
from tests.support.settings import PASSWORD
from tests.support.spaces import key_of
from web.auth import COOKIE
from workers.inline import run_all

_LOGIN = {"username": "admin", "password": PASSWORD}


def _sign_in(client: ApiClient, agent: str) -> ApiClient:
    token = client.anonymous().post("/auth/login", _LOGIN, headers={"User-Agent": agent})["token"]
    return ApiClient(client.app, token)


def _session(client: ApiClient, agent: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [each for each in client.get("/sessions")["data"] if each["agent"] == agent]
    return found


def test_each_login_is_a_session_that_can_be_ended(client: ApiClient) -> None:
    other = _sign_in(client, "curl/8")
    session = _session(client, "curl/8")
    assert (session["means"], session["address"]) == ("password", "127.0.0.1")
    assert session["userUuid"] == client.get("/me")["uuid"]
    lasts = datetime.fromisoformat(session["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < lasts <= timedelta(hours=1)
    client.delete(f"/sessions/{session['uuid']}")
    other.get("/me", expect=401)
    assert client.get("/me")["username"] == "admin"
    client.delete(f"/sessions/{session['uuid']}", expect=404)


def test_signing_out_ends_the_session(client: ApiClient) -> None:
    other = _sign_in(client, "browser")
    answer = client.anonymous().request(
        "GET", "/auth/oauth2/logout", headers={"Cookie": f"{COOKIE}={other.token}"}, expect=200
    )
    assert f"{COOKIE}=;" in answer.headers["Set-Cookie"]
    other.get("/me", expect=401)
    client.anonymous().get("/auth/oauth2/logout")
    ApiClient(client.app, "nonsense").get("/auth/oauth2/logout")


def test_tokens_of_before_there_were_sessions_last_until_they_run_out(client: ApiClient, platform: Platform) -> None:
    execute(platform, "DELETE FROM session")
    client.get("/me", expect=401)  # its session was ended
    with client.app.app_context():
        from flask_jwt_extended import create_access_token  # noqa: PLC0415 - needs an application

        ((user_id, epoch),) = rows(platform, "SELECT id::text, epoch FROM \"user\" WHERE username = 'admin'")
        old = create_access_token(user_id, additional_claims={"uuid": user_id, "epoch": epoch})
    assert ApiClient(client.app, old).get("/me")["username"] == "admin"


def test_a_new_password_ends_all_sessions(app: Flask, client: ApiClient, platform: Platform) -> None:
    jane = make_user(platform, "jane")
    hers = sign_in(app, "jane")
    assert len(hers.get("/sessions")["data"]) == 1
    client.patch(f"/users/{jane.user_id}", {"password": "something else entirely"})
    hers.get("/me", expect=401)
    assert rows(platform, "SELECT 1 FROM session WHERE user_id = %(user)s", user=jane.user_id) == []


def test_a_login_that_was_overtaken_by_a_new_password_is_none(
    client: ApiClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is right when it is looked at, and another one when the session begins."""

    def overtaken(*arguments: Any) -> Any:
        user = log_in(*arguments)
        execute(platform, "UPDATE \"user\" SET epoch = epoch + 1 WHERE username = 'admin'")
        return user

    with monkeypatch.context() as patch:
        patch.setattr("web.resources.auth.log_in", overtaken)
        answer = client.anonymous().post("/auth/login", _LOGIN, expect=401)
    assert answer["message"] == "Login failed"
    assert rows(platform, "SELECT count(*) FROM session") == [(1,)]  # the client's own
    _sign_in(client, "again").get("/me")


def test_others_see_and_end_only_their_own(app: Flask, client: ApiClient, platform: Platform) -> None:
    make_user(platform, "jane")
    jane = sign_in(app, "jane")
    admins = client.get("/sessions", query_string={"filter": f"user[eq]={client.get('/me')['uuid']}"})["data"]
    (hers,) = jane.get("/sessions")["data"]
    jane.delete(f"/sessions/{admins[0]['uuid']}", expect=404)
    jane.get("/sessions", query_string={"filter": f"user[eq]={client.get('/me')['uuid']}"})
    key_of(client, "narrow", [Permission.READ_TAG]).get(f"/sessions/{admins[0]['uuid']}", expect=404)
    client.delete(f"/sessions/{hers['uuid']}")
    jane.get("/me", expect=401)


def test_use_is_noted_now_and_then(client: ApiClient, platform: Platform) -> None:
    key = key_of(client, "mine")
    path = f"/tokens/{client.get('/tokens')['data'][0]['uuid']}"
    assert "lastUsed" not in client.get(path)
    key.get("/me")
    first = client.get(path)
    assert "lastUsed" in first
    key.get("/me")
    assert client.get(path) == first
    for table in ("token", "session"):
        execute(platform, f"UPDATE {table} SET last_used = now() - interval '6 minutes'")
    before = datetime.now(UTC).replace(microsecond=0)
    key.get("/me")
    assert datetime.fromisoformat(client.get(path)["lastUsed"]) >= before
    assert datetime.fromisoformat(client.get("/sessions")["data"][0]["lastUsed"]) >= before


def test_the_etag_tells_of_use(client: ApiClient, platform: Platform) -> None:
    key = key_of(client, "mine")
    path = f"/tokens/{client.get('/tokens')['data'][0]['uuid']}"
    unused = client.request("GET", path).headers["ETag"]
    client.request("GET", path, headers={"If-None-Match": unused}, expect=304)
    key.get("/me")
    client.request("GET", path, headers={"If-None-Match": unused}, expect=200)
    client.patch(path, {"name": "yours"}, headers={"If-Match": unused})


def test_what_has_run_out_is_seen_no_more_and_forgotten_after_a_day(client: ApiClient, platform: Platform) -> None:
    _sign_in(client, "long ago")
    path = f"/sessions/{_session(client, 'long ago')['uuid']}"
    execute(platform, "UPDATE session SET expires = now() WHERE agent = 'long ago'")
    client.get(path, expect=404)
    assert "long ago" not in {each["agent"] for each in client.get("/sessions")["data"]}
    execute(platform, "UPDATE session SET expires = now() - interval '25 hours' WHERE agent = 'long ago'")
    client.post("/tasks", {"kind": "maintenance.sweep"}, expect=202)
    run_all(platform)
    assert rows(platform, "SELECT 1 FROM session WHERE agent = 'long ago'") == []
    client.get("/me")
