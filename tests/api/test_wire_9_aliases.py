"""Section 9 of the wire contract: every other name of a route reaches the same view; the decisions of its table."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.support.client import PREFIX, ApiClient
from tests.support.settings import PASSWORD
from web.aliases import ALIASES


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_9_every_route_below_a_canonical_path_has_its_alias(app: Flask, alias: str) -> None:
    views = {(rule.rule, method): rule.endpoint for rule in app.url_map.iter_rules() for method in rule.methods or ()}
    canonical = ALIASES[alias]
    below = {key: view for key, view in views.items() if key[0] == canonical or key[0].startswith(f"{canonical}/")}
    for (path, method), view in below.items():
        assert views[alias + path.removeprefix(canonical), method] == view


def test_9_1_login_under_both_names_sets_the_cookie(client: ApiClient) -> None:
    for path in ("/auth/login", "/login"):
        body = {"username": "admin", "password": PASSWORD}
        answer = client.anonymous().request("POST", path, body, expect=200)
        assert answer.json["token"] in answer.headers["Set-Cookie"]


def test_9_4_pools_under_the_name_of_the_reference(client: ApiClient, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    made = client.post("/pools", {"name": "p", "fsPath": str(tmp_path / "media")}, expect=201)["uuid"]
    assert client.get(f"/pools/{made}")["uuid"] == client.get(f"/asset-pools/{made}")["uuid"]
    assert client.patch(f"/pools/{made}", {"name": "q"})["name"] == "q"
    client.post(f"/pools/{made}/scan", expect=202)


def test_9_20_post_and_patch_are_the_same_view_everywhere(app: Flask) -> None:
    """But for uploads, whose protocol has PATCH alone."""
    patched = [rule for rule in app.url_map.iter_rules() if "PATCH" in (rule.methods or ())]
    rules = [rule for rule in patched if rule.rule != f"{PREFIX}/uploads/<uuid:upload_id>"]
    assert len(rules) > 15
    assert all("POST" in (rule.methods or ()) for rule in rules)


@pytest.mark.parametrize("resource", ["users", "groups", "assets"])
def test_9_20_put_where_the_reference_has_it(app: Flask, resource: str) -> None:
    paths = {rule.rule for rule in app.url_map.iter_rules() if "PUT" in (rule.methods or ())}
    assert any(path.startswith(f"{PREFIX}/{resource}/<uuid:") for path in paths)
    assert resource != "assets" or f"{PREFIX}/assets/sha512/<string:key>" in paths
