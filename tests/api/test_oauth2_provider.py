"""Identity providers that lie, break or are away: the real one, with somebody between it and Loom."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from models.errors import Unavailable
from models.home import Home
from models.oidc import CodeGrant, http, open_provider, remembered
from models.settings import Settings
from models.wiring import Platform
from tests.support.client import Answer, ApiClient
from tests.support.identity import (
    APP_CALLBACK,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    LOOM,
    Browser,
    Json,
    Meddler,
    Provider,
    challenge_of,
    provider_settings,
)
from tests.support.serving import served
from tests.support.settings import make_settings
from tests.support.waiting import wait_until

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/oauth/jwks.json"
TOKEN = "/oauth/token"
USERINFO = "/oauth/userinfo"


@pytest.fixture
def meddler(provider: Provider) -> Iterator[Meddler]:
    meddler = Meddler(provider)
    yield meddler
    meddler.close()


@pytest.fixture
def settings(engines: Home, tmp_path: Path, meddler: Meddler) -> Settings:
    return make_settings(tmp_path / "home", engines, **provider_settings(meddler.issuer))


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(httpx.WSGITransport(app))


@pytest.fixture(scope="session")
def applicant() -> Browser:
    """The browser of an application; after the first time, the provider knows who sits there."""
    return Browser(httpx.MockTransport(lambda _: httpx.Response(404)))


@pytest.fixture
def anonymous(app: Flask) -> ApiClient:
    return ApiClient(app)


def test_nothing_changed_is_nothing_noticed(browser: Browser, meddler: Meddler) -> None:
    for _ in range(2):
        assert browser.sign_in("subject-of-jane").url == f"{LOOM}/"
    assert (meddler.count(DISCOVERY), meddler.count(JWKS), meddler.count(TOKEN)) == (1, 1, 2)
    assert meddler.count(USERINFO) == 0, "the ID token said it all"


def test_a_token_signed_by_a_stranger(browser: Browser, meddler: Meddler, platform: Platform) -> None:
    """The stranger's key calls itself by the name of the published one."""
    meddler.change_claims(RSAKey.generate_key(2048))
    end = browser.sign_in("subject-of-jane")
    assert (end.status_code, end.json()["code"]) == (400, "oauth2-untrusted")
    assert browser.cookie_names() == set()
    assert _count_users(platform) == 1


def test_a_key_that_was_never_published(anonymous: ApiClient, applicant: Browser, meddler: Meddler) -> None:
    stranger = RSAKey.generate_key(2048, auto_kid=True)
    meddler.change_claims(stranger, {"kid": stranger.kid})
    for number in range(2):
        assert _exchange(anonymous, applicant, meddler, expect=400).json["code"] == "oauth2-untrusted"
        assert meddler.count(JWKS) == 2 + number, "looked for once more each time"


def test_the_provider_changes_its_keys(anonymous: ApiClient, applicant: Browser, meddler: Meddler) -> None:
    old = RSAKey.generate_key(2048, auto_kid=True)
    meddler.changes[JWKS] = lambda _: {"keys": [old.as_dict(private=False)]}
    meddler.change_claims(old, {"kid": old.kid})
    _exchange(anonymous, applicant, meddler)
    meddler.changes.clear()
    _exchange(anonymous, applicant, meddler)
    _exchange(anonymous, applicant, meddler)
    assert meddler.count(JWKS) == 2


@pytest.mark.parametrize(
    ("kind", "alg"),
    [
        (lambda: RSAKey.generate_key(2048, auto_kid=True), "PS256"),
        (lambda: ECKey.generate_key("P-256", auto_kid=True), "ES256"),
        (lambda: ECKey.generate_key("P-384", auto_kid=True), "ES384"),
    ],
)
def test_other_kinds_of_keys(anonymous: ApiClient, applicant: Browser, meddler: Meddler, kind: Any, alg: str) -> None:
    """Among others that are broken or of no use, which must not spoil them."""
    key = kind()
    odd = [None, {}, {"kty": "RSA"}, {"kty": "ML-DSA", "pub": "x"}, OctKey.generate_key(256).as_dict(), 1]
    meddler.changes[JWKS] = lambda _: {"keys": [*odd, OKPKey.generate_key().as_dict(private=False), _public(key)]}
    meddler.change_claims(key, {"kid": key.kid, "alg": alg}, at_hash=None)
    _exchange(anonymous, applicant, meddler)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 120},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": int(time.time()) + 7200},
        {"iss": "https://other.test/"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": []},
        {"aud": None},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": [CLIENT_ID, "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ["another"]},
        {"at_hash": "b3RoZXI"},
        {"at_hash": 1},
        {"sub": None},
        {"sub": ""},
        {"sub": 1},
        {"sub": "s" * 256},
    ],
    ids=" ".join,  # not the values: some are moments
)
def test_claims_that_are_not_for_us(
    anonymous: ApiClient, applicant: Browser, meddler: Meddler, platform: Platform, claims: Json
) -> None:
    """All well signed."""
    meddler.change_claims(**claims)
    answer = _exchange(anonymous, applicant, meddler, expect=400)
    assert answer.json["code"] == "oauth2-untrusted"
    assert "Set-Cookie" not in answer.headers
    assert _count_users(platform) == 1


def test_a_clock_may_be_a_little_wrong(anonymous: ApiClient, applicant: Browser, meddler: Meddler) -> None:
    meddler.change_claims(iat=int(time.time()) + 30, exp=int(time.time()) - 30)
    _exchange(anonymous, applicant, meddler)


@pytest.mark.parametrize(
    ("alg", "key"),
    [("none", b""), ("HS256", CLIENT_SECRET.encode()), ("HS256", None), ("HS512", b"0" * 64)],
)
def test_only_signatures_that_nobody_else_can_make(
    anonymous: ApiClient, applicant: Browser, meddler: Meddler, alg: str, key: bytes | None
) -> None:
    """None: the published key, taken for a shared secret."""
    meddler.change_claims(meddler.provider.key.as_pem(private=False) if key is None else key, {"alg": alg})
    assert _exchange(anonymous, applicant, meddler, expect=400).json["code"] == "oauth2-untrusted"


@pytest.mark.parametrize("id_token", [None, "", 1, "a.b.c", "\u00e4", "a" * 500_000, ["x"], {}])
def test_what_is_no_id_token(anonymous: ApiClient, applicant: Browser, meddler: Meddler, id_token: Any) -> None:
    meddler.changes[TOKEN] = lambda tokens: {**tokens, "id_token": id_token}
    _exchange(anonymous, applicant, meddler, expect=400)


def test_without_an_id_token(anonymous: ApiClient, applicant: Browser, meddler: Meddler) -> None:
    meddler.changes[TOKEN] = lambda tokens: {"access_token": tokens["access_token"], "token_type": "Bearer"}
    _exchange(anonymous, applicant, meddler, expect=400)


def test_who_somebody_is_may_be_told_elsewhere(
    anonymous: ApiClient, applicant: Browser, meddler: Meddler, platform: Platform
) -> None:
    meddler.change_claims(preferred_username=None, email=None, email_verified=None, given_name=None, family_name=None)
    token = _exchange(anonymous, applicant, meddler).json["token"]
    me = ApiClient(anonymous.app, token).get("/me")
    assert (me["username"], me["email"], me["firstname"]) == ("jane", "jane@example.com", "Jane")
    assert meddler.count(USERINFO) == 1
    meddler.changes[USERINFO] = lambda profile: {**profile, "sub": "subject-of-impostor"}
    assert _exchange(anonymous, applicant, meddler, expect=503).json["code"] == "oauth2-unusable"


def test_an_address_is_verified_by_who_names_it(
    anonymous: ApiClient, applicant: Browser, meddler: Meddler, platform: Platform
) -> None:
    """That one source says "verified" must not vouch for the address of the other."""
    with platform.unit_of_work() as uow:
        uow.execute(
            'INSERT INTO "user" (id, space_id, username, email) '
            "SELECT gen_random_uuid(), id, 'boss', 'boss@example.com' FROM space"
        )
        uow.commit()
    meddler.change_claims(preferred_username=None, email="boss@example.com", email_verified=None)
    meddler.changes[USERINFO] = lambda profile: {**profile, "email_verified": True}
    token = _exchange(anonymous, applicant, meddler).json["token"]
    assert ApiClient(anonymous.app, token).get("/me")["username"] == "jane"


@pytest.mark.parametrize("verified", ["true", "false", 1, None, [True]])
def test_only_true_is_true(
    anonymous: ApiClient, applicant: Browser, meddler: Meddler, platform: Platform, verified: Any
) -> None:
    with platform.unit_of_work() as uow:
        uow.execute("UPDATE \"user\" SET email = 'jane@example.com', password_hash = NULL")
        uow.commit()
    meddler.change_claims(email_verified=verified)
    token = _exchange(anonymous, applicant, meddler).json["token"]
    assert ApiClient(anonymous.app, token).get("/me")["username"] == "jane"


def test_claims_that_no_column_can_hold(anonymous: ApiClient, applicant: Browser, meddler: Meddler) -> None:
    meddler.change_claims(
        preferred_username="j\x00", given_name=" ", family_name="f" * 256, email={"a": 1}, email_verified=True
    )
    meddler.changes[USERINFO] = lambda profile: {"sub": profile["sub"]}
    me = ApiClient(anonymous.app, _exchange(anonymous, applicant, meddler).json["token"]).get("/me")
    assert (me["username"], me.keys() & {"email", "firstname", "lastname"}) == ("user", set())


@pytest.mark.parametrize(
    ("path", "change", "told"),
    [
        (DISCOVERY, lambda found: {**found, "issuer": "https://other.test/"}, "LOOM_OIDC_ISSUER"),
        (DISCOVERY, lambda found: {**found, "issuer": found["issuer"].rstrip("/")}, "LOOM_OIDC_ISSUER"),
        (DISCOVERY, lambda found: {**found, "token_endpoint": "http://other.test/token"}, "token_endpoint"),
        (DISCOVERY, lambda found: {**found, "authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
        (DISCOVERY, lambda found: {**found, "jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
        (DISCOVERY, lambda found: {**found, "jwks_uri": None}, "jwks_uri"),
        (DISCOVERY, lambda found: {**found, "userinfo_endpoint": "https://u:p@other.test/"}, "userinfo_endpoint"),
        (DISCOVERY, lambda found: [found], "not a JSON object"),
        (DISCOVERY, lambda _: b"<html>", "not JSON"),
        (DISCOVERY, lambda _: b"[" * 100_000, "not JSON"),
        (DISCOVERY, lambda _: b"", "not JSON"),
        (DISCOVERY, lambda _: b'"' + b"x" * http.LARGEST_ANSWER + b'"', "reached"),
    ],
)  # fmt: skip
def test_a_discovery_document_that_will_not_do(
    anonymous: ApiClient, meddler: Meddler, path: str, change: Any, told: str
) -> None:
    meddler.changes[path] = change
    answer = anonymous.request("GET", "/auth/oauth2/login", expect=503)
    assert told in answer.json["message"]
    assert "Set-Cookie" not in answer.headers
    meddler.changes.clear()
    anonymous.request("GET", "/auth/oauth2/login", expect=503)
    assert meddler.count(path) == 1, "after a failure it is left alone for a while"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda _: {"keys": []}, 503),
        (lambda _: {"keys": "none"}, 503),
        (lambda _: {"keys": [OctKey.generate_key(256).as_dict()]}, 503),
        (lambda _: {}, 503),
        (lambda _: b"{", 503),
        (lambda found: {"keys": [{**found["keys"][0], "use": "enc"}]}, 400),
        (lambda found: {"keys": [{**found["keys"][0], "alg": "RS256"}]}, 400),
    ],
)
def test_keys_that_will_not_do(
    anonymous: ApiClient, applicant: Browser, meddler: Meddler, change: Any, status: int
) -> None:
    meddler.changes[JWKS] = change
    _exchange(anonymous, applicant, meddler, expect=status)


@pytest.mark.parametrize(
    ("content", "sent", "status", "code"),
    [
        ({"error": "invalid_grant", "error_description": "\u00e4\u0007" * 999}, 400, 400, "oauth2-refused"),
        ({"error": {"a": [1]}}, 400, 400, "oauth2-refused"),
        ({"error": "invalid_client"}, 401, 503, "oauth2-unusable"),
        ({"error": "temporarily_unavailable"}, 400, 503, "oauth2-unreachable"),
        ({"error": "server_error"}, 500, 503, "oauth2-unreachable"),
        ({"access_token": "a", "expires_in": "soon", "id_token": "x"}, 200, 503, "oauth2-unusable"),
        ([], 200, 503, "oauth2-unusable"),
        (b"<html>", 200, 503, "oauth2-unusable"),
        (b"<html>", 429, 503, "oauth2-unreachable"),
        (b"[" * 100_000, 200, 503, "oauth2-unusable"),
        (b"x" * (http.LARGEST_ANSWER + 1), 200, 503, "oauth2-unreachable"),
        (b"", 302, 503, "oauth2-unreachable"),
    ],
)
def test_answers_to_a_code_that_will_not_do(
    anonymous: ApiClient, applicant: Browser, meddler: Meddler, content: Any, sent: int, status: int, code: str
) -> None:
    meddler.changes[TOKEN] = lambda _: content
    meddler.statuses[TOKEN] = sent
    answer = _exchange(anonymous, applicant, meddler, expect=status)
    assert answer.json["code"] == code
    assert len(answer.json["message"]) < 300


def test_compressed_answers_are_not_taken(anonymous: ApiClient, meddler: Meddler) -> None:
    meddler.headers["Content-Encoding"] = "gzip"
    anonymous.get("/auth/oauth2/login", expect=503)


def test_a_wrong_secret_of_ours(engines: Home, tmp_path: Path, applicant: Browser, meddler: Meddler) -> None:
    wrong = provider_settings(meddler.issuer, oidc_client_secret="wrong")
    provider = open_provider(make_settings(tmp_path / "wrong", engines, **wrong))
    assert provider is not None
    verifier = secrets.token_urlsafe(48)
    code = applicant.get_code("subject-of-jane", meddler.issuer, code_challenge=challenge_of(verifier), nonce=verifier)
    with pytest.raises(Unavailable, match="LOOM_OIDC_CLIENT_SECRET"):
        provider.redeem(CodeGrant(code, APP_CALLBACK, verifier))


def test_a_provider_that_is_away_comes_back(
    anonymous: ApiClient, browser: Browser, meddler: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "_FAILURE_SECONDS", 0.2)
    meddler.statuses[DISCOVERY] = 502
    answer = anonymous.request("GET", "/auth/oauth2/login", expect=503)
    assert answer.headers["Retry-After"]
    meddler.statuses.clear()
    wait_until(lambda: anonymous.request("GET", "/auth/oauth2/login").status_code == 302, 5)
    meddler.close()
    page = browser.get(f"{LOOM}/api/v1/auth/oauth2/login", follow_redirects=False)
    assert page.status_code == 302, "what it said of itself is remembered"
    anonymous.post("/auth/oauth2", {"code": "c"}, expect=503)


def test_a_provider_that_takes_too_long(
    anonymous: ApiClient, meddler: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "STEP_SECONDS", 0.2)
    meddler.delays[DISCOVERY] = 3
    start = time.monotonic()
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: anonymous.request("GET", "/auth/oauth2/login").status_code, range(8)))
    assert answers == [503] * 8
    assert time.monotonic() - start < 2.5, "they wait together, not one after the other"
    assert meddler.count(DISCOVERY) == 1


def test_an_answer_that_drips(anonymous: ApiClient, meddler: Meddler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", -1.0)
    anonymous.get("/auth/oauth2/login", expect=503)


def test_many_at_once_ask_once(anonymous: ApiClient, meddler: Meddler) -> None:
    meddler.delays[DISCOVERY] = 0.3
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: anonymous.request("GET", "/auth/oauth2/login").status_code, range(16)))
    assert answers == [302] * 16
    assert meddler.count(DISCOVERY) == 1


def test_what_is_remembered_grows_old(anonymous: ApiClient, meddler: Meddler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "KEPT_SECONDS", -1.0)
    for _ in range(2):
        anonymous.request("GET", "/auth/oauth2/login", expect=302)
    assert meddler.count(DISCOVERY) == 2


def test_others_are_served_while_the_provider_is_slow(platform: Platform, tmp_path: Path, meddler: Meddler) -> None:
    """One process of the real server: a browser's whole way, and another request while it hangs at the provider."""
    variables = {
        "LOOM_OIDC_ISSUER": meddler.issuer, "LOOM_OIDC_CLIENT_ID": CLIENT_ID, "LOOM_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "LOOM_OIDC_REDIRECT_URL": CALLBACK, "LOOM_OIDC_EXTRA_REDIRECT_URLS": APP_CALLBACK,
    }  # fmt: skip
    with (
        served("web.wsgi:app", platform.settings, tmp_path / "log", **variables) as port,
        ThreadPoolExecutor(4) as crowd,
    ):
        browsers = [Browser(_behind_proxy(port)) for _ in range(4)]
        pages = [browser.open_login() for browser in browsers]
        meddler.delays[TOKEN] = 2
        ends = [
            crowd.submit(browser.sign_in, "subject-of-jane", page)
            for browser, page in zip(browsers, pages, strict=True)
        ]
        wait_until(lambda: meddler.count(TOKEN) == 4, 30)
        quick = httpx.get(f"http://127.0.0.1:{port}/api/v1/me")
        assert quick.status_code == httpx.codes.UNAUTHORIZED
        assert not any(end.done() for end in ends)
        assert {str(end.result().url) for end in ends} == {f"{LOOM}/"}
        users = {browser.get(f"{LOOM}/api/v1/me").json()["uuid"] for browser in browsers}
        assert len(users) == 1


def _behind_proxy(port: int) -> httpx.BaseTransport:
    """Stand for the proxy that ends TLS before Loom."""

    def pass_on(request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port)
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        return httpx.request(request.method, url, headers=headers, content=request.read(), timeout=30)

    return httpx.MockTransport(pass_on)


def _exchange(caller: ApiClient, applicant: Browser, meddler: Meddler, expect: int = 200) -> Answer:
    """Get a code as an application, and bring it to Loom."""
    verifier = secrets.token_urlsafe(48)
    code = applicant.get_code("subject-of-jane", meddler.issuer, code_challenge=challenge_of(verifier), nonce=verifier)
    body = {"code": code, "redirectUri": APP_CALLBACK, "codeVerifier": verifier, "nonce": verifier}
    return caller.request("POST", "/auth/oauth2", body, expect=expect)


def _public(key: Any) -> Json:
    content: Json = key.as_dict(private=False)
    return content


def _count_users(platform: Platform) -> int:
    with platform.reading() as uow:
        return int(uow.fetch('SELECT count(*) FROM "user"')[0][0])
