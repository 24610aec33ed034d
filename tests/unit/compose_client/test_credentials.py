from __future__ import annotations

import stat
from pathlib import Path

import pytest

from compose.client.credentials import DEFAULT_SERVER, credentials_file, load_credentials, store_token
from compose.client.session import open_api
from models.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("config_home")


def test_the_file_is_readable_by_its_owner_only(config_home: Path) -> None:
    store_token("http://one", "secret")
    assert credentials_file().is_relative_to(config_home)
    assert stat.S_IMODE(credentials_file().stat().st_mode) == 0o600
    store_token("http://two", "other")
    assert stat.S_IMODE(credentials_file().stat().st_mode) == 0o600
    assert [file.name for file in credentials_file().parent.iterdir()] == ["credentials.json"]


def test_the_last_server_is_the_one_to_talk_to() -> None:
    assert load_credentials().server == DEFAULT_SERVER
    store_token("http://one", "secret")
    store_token("http://two", "other")
    assert load_credentials().server == "http://two"
    assert load_credentials().tokens == {"http://one": "secret", "http://two": "other"}


def test_a_stored_token_goes_to_no_other_server() -> None:
    store_token("http://one.example", "secret")
    with open_api(None, None) as api:
        assert api.token == "secret"
    with open_api("http://two.example", None) as api:
        assert api.token is None
    with open_api("http://one.example/", None) as api:
        assert api.token == "secret"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"server": "x"}', b"\xff", b'{"server": "x", "tokens": []}'])
def test_a_broken_file_is_told_by_name(content: bytes) -> None:
    file = credentials_file()
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=str(file)):
        load_credentials()
