"""Digests that uploads declare: checked before anything is stored."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.forms import form
from tests.support.platforms import rows

DATA = b"some bytes, " * 100_000


def _spell(data: bytes, name: str = "sha512") -> str:
    digest = base64.b64encode(hashlib.new(name, data).digest()).decode()
    return f"{name[:3]}-{name[3:]}=:{digest}:"


def _raw(client: ApiClient, headers: dict[str, str], expect: int) -> Any:
    return client.request("POST", "/assets/upload?filename=a", DATA, headers=headers, expect=expect).json


@pytest.mark.parametrize("header", ["Repr-Digest", "Content-Digest"])
@pytest.mark.parametrize(
    ("value", "status"),
    [
        (_spell(DATA), 202),
        (_spell(DATA, "sha256"), 202),
        (f"{_spell(DATA, 'sha256')}, {_spell(DATA)}", 202),
        ("md5=:AAAA:", 202),
        ("", 202),
        (_spell(DATA[1:]), 400),
        (f"{_spell(DATA, 'sha256')},{_spell(b'')}", 400),
        ("sha-512=:AAAA:", 400),
        ("sha-512=:AAA:", 400),
        ("sha-512=abc", 400),
        ("nonsense", 400),
        (",", 400),
    ],
)
def test_raw_bodies(client: ApiClient, platform: Platform, header: str, value: str, status: int) -> None:
    answer = _raw(client, {header: value}, status)
    staged = list((platform.settings.loom_home.blobs / "staging").glob("*"))
    assert len(staged) == len(rows(platform, "SELECT 1 FROM task")) == (1 if status == 202 else 0)
    assert status == 202 or header in answer["message"]


def test_a_mismatch_has_a_code(client: ApiClient) -> None:
    assert _raw(client, {"Repr-Digest": _spell(b"")}, 400)["code"] == "digest-mismatch"


@pytest.mark.parametrize(
    ("header", "is_right"),
    [("Repr-Digest", True), ("Repr-Digest", False), ("Content-Digest", True), ("Content-Digest", False)],
)
def test_forms(client: ApiClient, platform: Platform, header: str, *, is_right: bool) -> None:
    body, kind = form(("file", "a.txt", DATA))
    about = DATA if header == "Repr-Digest" else body
    value = _spell(about if is_right else about + b"x")
    expect = 202 if is_right else 400
    client.request("POST", "/assets/upload", body, headers={"Content-Type": kind, header: value}, expect=expect)
    assert len(rows(platform, "SELECT 1 FROM task")) == is_right
