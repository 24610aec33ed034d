"""An identity provider for tests: Canaille in a process of its own, a proxy that lies in its name, and a browser."""

from __future__ import annotations

import hmac
import json
import subprocess
import sys
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import Key, RSAKey

from tests.support.running_loom import free_port
from tests.support.waiting import wait_until

LOOM = "https://loom.test"
CALLBACK = f"{LOOM}/api/v1/auth/oauth2/callback"
APP_CALLBACK = "https://app.test/signed-in"
CLIENT_ID = "loom"
CLIENT_SECRET = "a secret of Loom's at the provider"
PUBLIC_CLIENT_ID = "loom-public"
PASSWORD = "a password at the provider"
_ROOT = Path(__file__).parents[2]

Json = dict[str, Any]
SigningKey = Key | bytes


@dataclass(frozen=True)
class Person:
    """Somebody with an account at the provider: `subject` is what it knows them by, `username` what they chose."""

    subject: str
    username: str | None = None
    email: str | None = None
    is_verified: bool = False
    given_name: str | None = "Jane"
    family_name: str = "Doe"


@dataclass
class Provider:
    """The running provider."""

    port: int
    key: RSAKey
    issuer: str = field(init=False)

    def __post_init__(self) -> None:
        self.issuer = f"http://127.0.0.1:{self.port}/"


@contextmanager
def running_provider(folder: Path, *people: Person) -> Iterator[Provider]:
    """Run Canaille meanwhile, with its log and its data in that folder."""
    log = folder / "log"
    provider = Provider(free_port(), RSAKey.generate_key(2048, auto_kid=True))
    setup = {
        "port": provider.port, "database": str(folder / "data"), "key": provider.key.as_dict(private=True),
        "clients": [_client(CLIENT_ID, CLIENT_SECRET), _client(PUBLIC_CLIENT_ID, None)],
        "users": [_user(person) for person in people],
        "verified": [person.subject for person in people if person.is_verified],
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.support.canaille_process"]
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=output, stderr=output)
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(json.dumps(setup).encode())
    try:
        wait_until(lambda: _answers(process, provider, log), 60)
        yield provider
    finally:
        process.terminate()
        process.wait(15)


def _client(client_id: str, secret: str | None) -> Json:
    method = "client_secret_basic" if secret else "none"
    return {
        "client_id": client_id, "client_secret": secret, "client_name": "Loom", "client_uri": LOOM,
        "redirect_uris": [CALLBACK, APP_CALLBACK], "grant_types": ["authorization_code"], "response_types": ["code"],
        "scope": ["openid", "profile", "email"], "token_endpoint_auth_method": method,
    }  # fmt: skip


def _user(person: Person) -> Json:
    return {
        "user_name": person.subject, "password": PASSWORD, "display_name": person.username,
        "formatted_name": person.subject, "given_name": person.given_name, "family_name": person.family_name,
        "emails": [person.email] if person.email else [],
    }  # fmt: skip


def _answers(process: subprocess.Popen[bytes], provider: Provider, log: Path) -> bool:
    assert process.poll() is None, log.read_text(errors="replace")[-4000:]
    try:
        return httpx.get(f"{provider.issuer}.well-known/openid-configuration").is_success
    except httpx.TransportError:
        return False


Change = Callable[[Json], Any]
"""Gives another content for an answer of the provider; what is not JSON-like is sent as it is."""


class Meddler:
    """Stands before the provider, passes everything on, and changes what a test wants changed, by path."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.changes: dict[str, Change] = {}
        self.delays: dict[str, float] = {}
        self.headers: dict[str, str] = {}
        self.statuses: dict[str, int] = {}
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_port}/"
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop to listen."""
        self._server.shutdown()
        self._server.server_close()

    def change_claims(self, key: SigningKey | None = None, header: Json | None = None, **claims: Any) -> None:
        """Have ID tokens say something else, signed with a key (None: the provider's own); None removes a claim."""
        signer = self.provider.key if key is None else key
        self.changes["/oauth/token"] = lambda tokens: {
            **tokens, "id_token": resign(tokens["id_token"], signer, header, claims)
        }  # fmt: skip

    def count(self, path: str) -> int:
        """Say how often a path was asked for."""
        return self.requests.count(path)

    def _make_handler(meddler) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._pass_on()

            def do_POST(self) -> None:
                self._pass_on()

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = urlsplit(self.path).path
                meddler.requests.append(path)
                time.sleep(meddler.delays.get(path, 0))
                headers = {name: value for name, value in self.headers.items() if name != "Connection"}
                url = f"http://127.0.0.1:{meddler.provider.port}{self.path}"
                answer = httpx.request(self.command, url, headers=headers, content=body, timeout=30)
                self._answer(path, answer)

            def _answer(self, path: str, answer: httpx.Response) -> None:
                content = answer.content
                if path in meddler.changes:
                    changed = meddler.changes[path](answer.json())
                    content = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
                self.send_response(meddler.statuses.get(path, answer.status_code))
                for name, value in answer.headers.multi_items():
                    if name not in {"content-length", "connection", "date", "server", "content-encoding"}:
                        self.send_header(name, value)
                for name, value in meddler.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


def resign(id_token: str, key: SigningKey, header: Json | None, claims: Json) -> str:
    """Make an ID token out of another; bytes sign by HMAC, no bytes sign nothing."""
    old_header, old_claims = (json.loads(_decode(part)) for part in id_token.split(".")[:2])
    content = {name: value for name, value in {**old_claims, **claims}.items() if value is not None}
    head = {name: value for name, value in {**old_header, **(header or {})}.items() if value is not None}
    if not isinstance(key, bytes):
        return jwt.encode(head, content, key, algorithms=[head["alg"]])
    text = ".".join(_encode(json.dumps(part).encode()) for part in (head, content))
    digest = f"sha{head['alg'].removeprefix('HS')}"
    return f"{text}.{_encode(hmac.digest(key, text.encode(), digest)) if key else ''}"


def _decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


class Browser(httpx.Client):
    """Follows redirections, keeps cookies, fills in forms. Loom, and an application beside it, are where it is told."""

    def __init__(self, loom: httpx.BaseTransport) -> None:
        super().__init__(
            mounts={LOOM: loom, "https://app.test": httpx.MockTransport(lambda _: httpx.Response(200))},
            follow_redirects=True, timeout=30, trust_env=False,
        )  # fmt: skip

    def cookie_names(self) -> set[str]:
        """Give the names of the cookies that it keeps for Loom."""
        return {cookie.name for cookie in self.cookies.jar if cookie.domain == "loom.test"}

    def open_login(self) -> httpx.Response:
        """Begin to sign in to Loom; gives the provider's page, or where that led if the provider knows the browser."""
        return self.get(f"{LOOM}/api/v1/auth/oauth2/login")

    def sign_in(self, subject: str, page: httpx.Response | None = None) -> httpx.Response:
        """Sign in to Loom as somebody; gives what that ends with."""
        return self.pass_provider(subject, page or self.open_login())

    def pass_provider(self, subject: str, page: httpx.Response) -> httpx.Response:
        """Fill in the provider's forms: name, password, consent."""
        for _ in range(4):
            if page.url.host != "127.0.0.1":
                return page
            assert page.is_success, page.text
            page = self.fill_in(page, subject)
        raise AssertionError(page.text)

    def fill_in(self, page: httpx.Response, subject: str) -> httpx.Response:
        """Fill in the form of a page of the provider."""
        form = _Form.of(page)
        known = {"login": subject, "password": PASSWORD, "answer": "accept"}
        values = {**form.hidden, **{name: value for name, value in known.items() if name in form.names}}
        return self.post(page.url.join(form.action or str(page.url)), data=values)

    def get_code(self, subject: str, issuer: str, **parameters: str) -> str:
        """Get a code for an application that asks the provider itself."""
        asked = {
            "response_type": "code", "client_id": CLIENT_ID, "redirect_uri": APP_CALLBACK, "state": "s",
            "scope": "openid profile email", "code_challenge_method": "S256", **parameters,
        }  # fmt: skip
        end = self.pass_provider(subject, self.get(f"{issuer}oauth/authorize", params=asked))
        return parse_qs(end.url.query.decode())["code"][0]


class _Form(HTMLParser):
    """The first form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.names: set[str] = set()

    @classmethod
    def of(cls, page: httpx.Response) -> _Form:
        form = cls()
        form.feed(page.text)
        assert form.names, page.text
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = self.action or given.get("action", "")
        if tag in {"input", "button"} and given.get("name"):
            self.names.add(given["name"])
            if given.get("type") == "hidden":
                self.hidden[given["name"]] = given["value"]


def provider_settings(issuer: str, **changes: Any) -> Json:
    """Settings of a Loom that signs people in there."""
    given = {
        "oidc_issuer": issuer, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET,
        "oidc_redirect_url": CALLBACK, "oidc_extra_redirect_urls": (APP_CALLBACK,),
    }  # fmt: skip
    return {**given, **changes}


def challenge_of(verifier: str) -> str:
    """Give what PKCE shows of a verifier."""
    return _encode(sha256(verifier.encode()).digest())
