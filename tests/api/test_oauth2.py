"""Signing in at an identity provider, a real one: whole ways through a browser, and codes brought by applications."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import jwt
import pytest
from flask import Flask

from models.home import Home
from models.permissions import Permission
from models.settings import Settings
from models.wiring import Platform, build
from tests.support.client import Answer, ApiClient
from tests.support.identity import (
    APP_CALLBACK,
    CALLBACK,
    CLIENT_ID,
    LOOM,
    PUBLIC_CLIENT_ID,
    Browser,
    Provider,
    challenge_of,
    provider_settings,
)
from tests.support.people import make_user
from tests.support.people import sign_in as sign_in_with_password
from tests.support.platforms import execute, rows
from tests.support.settings import make_settings
from web.app import close_app, create_app
from web.auth import COOKIE
from web.resources.oauth2 import STATE_COOKIE, VERIFIER_COOKIE

API = f"{LOOM}/api/v1"


@pytest.fixture
def settings(engines: Home, tmp_path: Path, provider: Provider) -> Settings:
    return make_settings(tmp_path / "home", engines, **provider_settings(provider.issuer))


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(httpx.WSGITransport(app))


def test_login_sends_the_browser_to_the_provider(client: ApiClient, provider: Provider) -> None:
    answers = [client.anonymous().request("GET", "/auth/oauth2/login", expect=302) for _ in range(2)]
    asked = [parse_qs(urlsplit(answer.headers["Location"]).query) for answer in answers]
    assert answers[0].headers["Location"].startswith(f"{provider.issuer}oauth/authorize?")
    assert asked[0]["client_id"] == [CLIENT_ID]
    assert asked[0]["response_type"] == ["code"]
    assert asked[0]["redirect_uri"] == [CALLBACK]
    assert asked[0]["scope"] == ["openid profile email"]
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert all(asked[0][name] != asked[1][name] for name in ("state", "nonce", "code_challenge"))
    cookies = _cookies(answers[0])
    assert set(cookies) == {VERIFIER_COOKIE, STATE_COOKIE}
    for value, attributes in cookies.values():
        assert len(value) >= 43
        assert attributes == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=600"}
    verifier = cookies[VERIFIER_COOKIE][0]
    assert asked[0]["code_challenge"] == [challenge_of(verifier)]
    assert asked[0]["state"] == [cookies[STATE_COOKIE][0]]
    assert verifier not in answers[0].headers["Location"]
    assert answers[0].headers["Cache-Control"] == "no-store"


def test_a_browser_signs_in(browser: Browser) -> None:
    end = browser.sign_in("subject-of-jane")
    assert end.url == f"{LOOM}/"
    callback = end.history[-1]
    assert (callback.status_code, callback.headers["Location"]) == (302, "/")
    assert callback.headers["Cache-Control"] == "no-store"
    token, attributes = _cookies(callback)[COOKIE]
    assert attributes == {"Secure", "HttpOnly", "Path=/", "SameSite=Strict", "Max-Age=3600"}
    assert browser.cookie_names() == {COOKIE}
    me = browser.get(f"{API}/me").json()
    assert (me["username"], me["firstname"], me["lastname"]) == ("jane", "Jane", "Doe")
    assert (me["email"], me["enabled"]) == ("jane@example.com", True)
    assert jwt.decode(token, options={"verify_signature": False})["uuid"] == me["uuid"]
    assert me["status"]["creator"]["uuid"] == me["uuid"]


def test_a_new_user_may_do_nothing_yet(browser: Browser, client: ApiClient, platform: Platform) -> None:
    browser.sign_in("subject-of-jane")
    me = browser.get(f"{API}/me").json()["uuid"]
    for path in ("/assets", "/asset-pools", "/search/assets?q=a"):
        assert browser.get(f"{API}{path}").status_code == httpx.codes.FORBIDDEN
    assert rows(platform, "SELECT count(*) FROM group_user WHERE user_id = %(id)s", id=me) == [(0,)]
    assert rows(platform, "SELECT type, actor_id FROM event WHERE subject_id = %(id)s", id=me) == [
        ("user.created", UUID(me))
    ]
    anonymous = client.anonymous()
    for password in ("", "password", "None"):
        anonymous.post("/auth/login", {"username": "jane", "password": password}, expect=401)


def test_who_comes_again_is_the_same_user(browser: Browser, app: Flask, platform: Platform) -> None:
    browser.sign_in("subject-of-jane")
    me = browser.get(f"{API}/me").json()["uuid"]
    assert browser.open_login().url == f"{LOOM}/"
    other = Browser(httpx.WSGITransport(app))
    other.sign_in("subject-of-jane")
    assert {browser.get(f"{API}/me").json()["uuid"], other.get(f"{API}/me").json()["uuid"]} == {me}
    assert rows(platform, "SELECT issuer, subject FROM user_identity") == [
        (platform.settings.oidc_issuer, "subject-of-jane")
    ]


def test_logging_out(browser: Browser, client: ApiClient) -> None:
    browser.sign_in("subject-of-jane")
    answer = browser.get(f"{API}/auth/oauth2/logout")
    assert answer.json()["message"]
    assert browser.cookie_names() == set()
    assert browser.get(f"{API}/me").status_code == httpx.codes.UNAUTHORIZED
    cleared = client.anonymous().request("GET", "/auth/oauth2/logout", expect=200)
    assert {"Max-Age=0", "Secure", "Path=/", "SameSite=Strict"} <= _cookies(cleared)[COOKIE][1]


def test_a_person_without_a_name(browser: Browser, app: Flask) -> None:
    browser.sign_in("subject-of-nameless")
    me = browser.get(f"{API}/me").json()
    assert (me["username"], "firstname" in me) == ("no.name", False)
    other = Browser(httpx.WSGITransport(app))
    other.sign_in("subject-of-nobody")
    assert other.get(f"{API}/me").json()["username"] == "user"


@pytest.mark.parametrize(
    ("query", "cookies", "status"),
    [
        ({"code": "c", "state": "other"}, (STATE_COOKIE, VERIFIER_COOKIE), 403),
        ({"code": "c", "state": "\u00e4"}, (STATE_COOKIE, VERIFIER_COOKIE), 403),
        ({"code": "c", "state": ""}, (STATE_COOKIE, VERIFIER_COOKIE), 403),
        ({"code": "c"}, (STATE_COOKIE, VERIFIER_COOKIE), 403),
        ({"code": "c", "state": "right"}, (), 403),
        ({"code": "c", "state": ""}, (), 403),
        ({"code": "c", "state": "right"}, (VERIFIER_COOKIE,), 403),
        ({"code": "c", "state": "right"}, (STATE_COOKIE,), 400),
        ({"state": "right"}, (STATE_COOKIE, VERIFIER_COOKIE), 400),
        ({"code": "c" * 5000, "state": "right"}, (STATE_COOKIE, VERIFIER_COOKIE), 400),
        ({"code": "made up", "state": "right"}, (STATE_COOKIE, VERIFIER_COOKIE), 400),
        ({"error": "access_denied", "state": "right"}, (STATE_COOKIE, VERIFIER_COOKIE), 400),
        ({"error": "\x1b[31m" * 999, "code": "c"}, (), 400),
        ({}, (), 400),
    ],
)
def test_a_failed_callback_leaves_no_cookie(
    client: ApiClient, query: dict[str, str], cookies: tuple[str, ...], status: int
) -> None:
    values = {STATE_COOKIE: "right", VERIFIER_COOKIE: "v" * 64}
    brought = "; ".join(f"{name}={values[name]}" for name in cookies)
    answer = client.anonymous().request(
        "GET", "/auth/oauth2/callback", query_string=query, headers={"Cookie": brought}, expect=status
    )
    assert len(answer.json["message"]) < 300
    left = _cookies(answer)
    assert set(left) == {STATE_COOKIE, VERIFIER_COOKIE}
    for value, attributes in left.values():
        assert value == ""
        assert {"Max-Age=0", "Secure", "Path=/"} <= attributes


def test_a_callback_counts_once(browser: Browser) -> None:
    end = browser.sign_in("subject-of-jane")
    callback = end.history[-1].url
    assert browser.get(callback).status_code == httpx.codes.FORBIDDEN
    browser.cookies.set(STATE_COOKIE, callback.params["state"], domain="loom.test")
    browser.cookies.set(VERIFIER_COOKIE, "v" * 64, domain="loom.test")
    replayed = browser.get(callback)
    assert (replayed.status_code, replayed.json()["code"]) == (400, "oauth2-refused")
    assert browser.cookie_names() == {COOKIE}


def test_a_code_brought_to_another_browser_is_refused(browser: Browser, app: Flask) -> None:
    """Somebody makes another sign in as them: the other's browser has not begun this."""
    page = browser.open_login()
    stolen = _stop_at_callback(browser, page)
    victim = Browser(httpx.WSGITransport(app))
    victim.open_login()
    assert victim.get(stolen).status_code == httpx.codes.FORBIDDEN
    assert victim.cookie_names() == set()


def test_an_application_exchanges_a_code(client: ApiClient, browser: Browser, provider: Provider) -> None:
    verifier = secrets.token_urlsafe(48)
    code = browser.get_code("subject-of-jane", provider.issuer, code_challenge=challenge_of(verifier), nonce=verifier)
    body = {"code": code, "redirectUri": APP_CALLBACK, "codeVerifier": verifier, "nonce": verifier}
    answer = client.anonymous().request("POST", "/auth/oauth2", body, expect=200)
    assert ApiClient(client.app, answer.json["token"]).get("/me")["username"] == "jane"
    assert _cookies(answer)[COOKIE][0] == answer.json["token"]
    assert answer.headers["Cache-Control"] == "no-store"
    replayed = client.anonymous().post("/auth/oauth2", body, expect=400)
    assert "invalid_grant" in replayed["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"codeVerifier": "w" * 64},
        {"codeVerifier": None},
        {"codeVerifier": ""},
        {"nonce": "another"},
        {"redirectUri": None},
        {"redirectUri": CALLBACK},
        {"code": "made up"},
        {"code": "\u00e4&grant_type=client_credentials#"},
    ],
)
def test_a_code_that_does_not_fit(
    client: ApiClient, browser: Browser, provider: Provider, change: dict[str, Any]
) -> None:
    verifier = secrets.token_urlsafe(48)
    code = browser.get_code("subject-of-jane", provider.issuer, code_challenge=challenge_of(verifier), nonce=verifier)
    body = {"code": code, "redirectUri": APP_CALLBACK, "codeVerifier": verifier, "nonce": verifier, **change}
    answer = client.anonymous().request("POST", "/auth/oauth2", body, expect=400)
    assert not _cookies(answer)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"code": None}, {"code": ""}, {"code": 1}, {"code": "c" * 5000}, {"code": "a\x00"},
        {"code": "c", "redirectUri": "https://evil.test/"}, {"code": "c", "redirectUri": APP_CALLBACK + "/"},
        {"code": "c", "redirectUri": 1}, {"code": "c", "codeVerifier": "v" * 129},
    ],
)  # fmt: skip
def test_bodies_that_the_provider_never_sees(client: ApiClient, body: dict[str, Any], provider: Provider) -> None:
    answer = client.anonymous().post("/auth/oauth2", body, expect=400)
    assert answer["code"] == "validation"


def test_guessing_codes_is_stopped_per_address(client: ApiClient, platform: Platform) -> None:
    body, guesser = {"code": "made up"}, client.anonymous()
    for _ in range(97):
        platform.bus.attempts("oauth2:127.0.0.1", 900)
    assert [guesser.request("POST", "/auth/oauth2", body).status_code for _ in range(4)] == [400, 400, 400, 429]
    guesser.post("/auth/oauth2", body, environ_overrides={"REMOTE_ADDR": "10.0.0.9"}, expect=400)


def test_a_public_client(engines: Home, tmp_path: Path, provider: Provider, platform: Platform) -> None:
    changes = {"oidc_client_id": PUBLIC_CLIENT_ID, "oidc_client_secret": None}
    public = build(make_settings(tmp_path / "public", engines, **provider_settings(provider.issuer, **changes)))
    app = create_app(public)
    browser = Browser(httpx.WSGITransport(app))
    assert browser.sign_in("subject-of-jane").url == f"{LOOM}/"
    close_app(app)
    public.close()


def test_a_disabled_user_stays_out(browser: Browser, platform: Platform) -> None:
    browser.sign_in("subject-of-jane")
    execute(platform, "UPDATE \"user\" SET enabled = false WHERE username = 'jane'")
    assert browser.get(f"{API}/me").status_code == httpx.codes.UNAUTHORIZED
    refused = browser.open_login()
    assert (refused.status_code, refused.json()["code"]) == (403, "account-disabled")
    assert browser.cookie_names() == {COOKIE}, "that of the time before, which opens nothing"


def test_nobody_becomes_a_local_user_by_choosing_their_name(browser: Browser, client: ApiClient) -> None:
    browser.sign_in("subject-of-impostor")
    me = browser.get(f"{API}/me").json()
    assert me["username"] == "admin-2"
    assert me["uuid"] != client.get("/me")["uuid"]
    assert browser.get(f"{API}/assets").status_code == httpx.codes.FORBIDDEN
    assert sign_in_with_password(client.app, "admin").get("/me")["username"] == "admin"


def test_an_account_made_for_somebody_is_theirs(browser: Browser, client: ApiClient, platform: Platform) -> None:
    actor = make_user(platform, "jane", [Permission.READ_ASSET_POOL])
    execute(platform, "UPDATE \"user\" SET password_hash = NULL, lastname = 'Kept' WHERE username = 'jane'")
    browser.sign_in("subject-of-jane")
    me = browser.get(f"{API}/me").json()
    assert (me["uuid"], me["firstname"], me["lastname"]) == (str(actor.user_id), "Jane", "Kept")
    assert me["email"] == "jane@example.com"
    assert browser.get(f"{API}/asset-pools").status_code == httpx.codes.OK


def test_without_a_provider(engines: Home, tmp_path: Path) -> None:
    platform = build(make_settings(tmp_path / "plain", engines))
    app = create_app(platform)
    client = ApiClient(app)
    answer = client.get("/auth/oauth2/login", expect=503)
    assert "LOOM_OIDC_ISSUER" in answer["message"]
    client.get("/auth/oauth2/callback?code=c&state=s", expect=503)
    client.post("/auth/oauth2", {"code": "c"}, expect=503)
    client.post("/auth/oauth2", {"code": "c", "redirectUri": CALLBACK}, expect=503)
    client.post("/auth/oauth2", {}, expect=400)
    client.get("/auth/oauth2/logout")
    close_app(app)
    platform.close()


def _stop_at_callback(browser: Browser, page: httpx.Response) -> httpx.URL:
    """Sign in at the provider, but give the address that the browser would go to then."""
    browser.follow_redirects = False
    while not (page.is_redirect and page.headers["Location"].startswith(CALLBACK)):
        page = browser.fill_in(page, "subject-of-jane") if page.is_success else browser.get(_next(page))
    return httpx.URL(page.headers["Location"])


def _next(page: httpx.Response) -> httpx.URL:
    assert page.next_request is not None
    return page.next_request.url


def _cookies(answer: Answer | httpx.Response) -> dict[str, tuple[str, set[str]]]:
    """Read the cookies that an answer sets: value and attributes by name."""
    headers = answer.headers
    lines = headers.get_list("Set-Cookie") if isinstance(headers, httpx.Headers) else headers.getlist("Set-Cookie")
    found = {}
    for line in lines:
        first, *attributes = line.split("; ")
        name, _, value = first.partition("=")
        found[name] = (value, {each for each in attributes if not each.startswith("Expires=")})
    return found
