"""The settings of an identity provider: all of them or none, and only addresses that secrets may be sent to."""

from __future__ import annotations

import pytest

from models.errors import ConfigurationError
from models.settings import Settings
from models.urls import is_protected, is_redirect

GOOD = {
    "LOOM_OIDC_ISSUER": "https://id.example.org/realms/us",
    "LOOM_OIDC_CLIENT_ID": "loom",
    "LOOM_OIDC_REDIRECT_URL": "https://loom.example.org/api/v1/auth/oauth2/callback",
}


def read(patch: pytest.MonkeyPatch, **variables: str | None) -> Settings:
    for name, value in {**GOOD, **variables}.items():
        if value is None:
            patch.delenv(name, raising=False)
        else:
            patch.setenv(name, value)
    return Settings.from_env()


def test_a_provider_needs_no_more_than_this(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch)
    assert settings.oidc_redirects == (GOOD["LOOM_OIDC_REDIRECT_URL"],)
    assert settings.oidc_scopes == "openid profile email"
    assert not settings.oidc_link_used_accounts
    more = read(
        monkeypatch,
        LOOM_OIDC_CLIENT_SECRET="s e c r e t",
        LOOM_OIDC_EXTRA_REDIRECT_URLS="org.example.app:/signed-in,http://127.0.0.1:7070/",
        LOOM_OIDC_SCOPES=" openid  groups ",
    )
    assert more.oidc_redirects[1:] == ("org.example.app:/signed-in", "http://127.0.0.1:7070/")
    assert more.oidc_scopes == "openid groups"
    assert "s e c r e t" not in repr(more)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"LOOM_OIDC_ISSUER": None}, "LOOM_OIDC_ISSUER"),
        ({"LOOM_OIDC_CLIENT_ID": None}, "LOOM_OIDC_CLIENT_ID"),
        ({"LOOM_OIDC_REDIRECT_URL": None}, "LOOM_OIDC_REDIRECT_URL"),
        ({"LOOM_OIDC_ISSUER": "http://id.example.org"}, "LOOM_OIDC_ISSUER"),
        ({"LOOM_OIDC_ISSUER": ""}, "LOOM_OIDC_ISSUER"),
        ({"LOOM_OIDC_CLIENT_ID": "\u00e4"}, "LOOM_OIDC_CLIENT_ID"),
        ({"LOOM_OIDC_CLIENT_ID": ""}, "LOOM_OIDC_CLIENT_ID"),
        ({"LOOM_OIDC_CLIENT_SECRET": "a\nb"}, "LOOM_OIDC_CLIENT_SECRET"),
        ({"LOOM_OIDC_REDIRECT_URL": "/callback"}, "LOOM_OIDC_REDIRECT_URL"),
        ({"LOOM_OIDC_EXTRA_REDIRECT_URLS": "https://a.org/,javascript:x"}, "LOOM_OIDC_EXTRA_REDIRECT_URLS"),
        ({"LOOM_OIDC_SCOPES": "profile email"}, "LOOM_OIDC_SCOPES"),
        ({"LOOM_OIDC_LINK_USED_ACCOUNTS": "perhaps"}, "LOOM_OIDC_LINK_USED_ACCOUNTS"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str | None], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read(monkeypatch, **variables)


@pytest.mark.parametrize(
    "name",
    ["LOOM_OIDC_CLIENT_SECRET", "LOOM_OIDC_EXTRA_REDIRECT_URLS", "LOOM_OIDC_SCOPES", "LOOM_OIDC_LINK_USED_ACCOUNTS"],
)
def test_a_part_without_a_provider_is_a_mistake(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    value = {"LOOM_OIDC_EXTRA_REDIRECT_URLS": "https://a.org/", "LOOM_OIDC_LINK_USED_ACCOUNTS": "true"}
    with pytest.raises(ConfigurationError, match="LOOM_OIDC_ISSUER"):
        read(monkeypatch, **dict.fromkeys(GOOD), **{name: value.get(name, "openid")})


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("https://a.org", True), ("https://a.org:8443/x?y=1", True), ("http://127.0.0.1:1/", True),
        ("http://127.9.9.9", True), ("http://localhost", True), ("http://[::1]:80/", True),
        ("http://a.org", False), ("http://localhost.a.org", False), ("http://127.0.0.1.a.org", False),
        ("http://0.0.0.0", False), ("http://10.0.0.1", False), ("https://", False), ("https:a.org", False),
        ("https://a.org:99999", False), ("https://[::1", False), ("https://u@a.org", False), ("https://a.org#x", False),
        ("https://a.org\n", False), ("https://a .org", False), ("https://\u00e4.org", False), ("ftp://a.org", False),
        ("javascript:alert(1)", False), ("file:///etc/passwd", False), ("", False),
    ],
)  # fmt: skip
def test_where_secrets_may_be_sent(url: str, is_good: bool) -> None:  # noqa: FBT001 - from the table
    assert is_protected(url) is is_good
    assert is_redirect(url) is is_good


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("org.example.app:/x", True), ("org.example.app:/x#y", False), ("org.example.app:", False),
        ("javascript:x", False), ("data:text/html,x", False), ("org.example.app", False), ("ORG.example:/x", False),
    ],
)  # fmt: skip
def test_where_applications_may_be_called_back(url: str, is_good: bool) -> None:  # noqa: FBT001 - from the table
    assert is_redirect(url) is is_good
    assert not is_protected(url)
