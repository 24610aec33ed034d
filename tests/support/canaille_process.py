"""Canaille, a real identity provider, as a process: `python -m tests.support.canaille_process`, its setup on stdin.

Its pages, codes, PKCE, keys and ID tokens are its own. `_mend` says what it does not do by itself.
"""

from __future__ import annotations

import json
import secrets
import sys
from typing import Any

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.oidc import provider
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, run_simple


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


def _make_app(setup: dict[str, Any]) -> Flask:
    app: Flask = create_app({
        "SECRET_KEY": "only tests know this key, and only they sign with it",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "sql", "JAVASCRIPT": False, "HTMX": False, "CAPTCHA_ENABLED": False},
        # A file: its store in memory finds codes that have any of the wanted attributes.
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{setup['database']}", "PASSWORD_SCHEMES": "plaintext"},
        "CANAILLE_LDAP": None,
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [setup["key"]]},
    })  # fmt: skip
    with app.app_context():
        for client in setup["clients"]:
            _add_client(client)
        for user in setup["users"]:
            Backend.instance.save(models.User(**user))
    # Looked for whenever a client has no secret, but only made known where the name of the host is fixed.
    kind = provider.JWTClientAuth
    provider.authorization.register_client_auth_method(kind.CLIENT_AUTH_METHOD, kind())
    return app


def _add_client(values: dict[str, Any]) -> None:
    client = models.Client(**values)
    Backend.instance.save(client)
    client.audience = [client]
    Backend.instance.save(client)


def _mend(verified: set[str]) -> None:
    """Have it say whether an email address is verified, and sign the same person in twice within a second.

    Its access tokens are signed texts, which then are the same, and its table demands that they differ.
    """
    tell = provider.generate_user_claims

    def tell_more(user: Any, *arguments: Any) -> dict[str, Any]:
        claims: dict[str, Any] = tell(user, *arguments)
        return {**claims, "email_verified": user.user_name in verified} if "email" in claims else claims

    provider.generate_user_claims = tell_more
    provider.generate_access_token = lambda *_, **__: secrets.token_urlsafe(32)


if __name__ == "__main__":
    given = json.load(sys.stdin)
    _mend(set(given["verified"]))
    run_simple("127.0.0.1", given["port"], _make_app(given), threaded=True, request_handler=_Quiet)
