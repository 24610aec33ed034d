"""Reactions beside their life (`test_social.py`): what is one, crowds, and who may see their sums."""

from __future__ import annotations

from typing import Any

import pytest

from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.assets import put_in_library
from tests.support.client import ApiClient
from tests.support.crowds import crowd
from tests.support.people import make_user, sign_in

NONE = {"rating": {"upVotes": 0, "downVotes": 0}, "reactions": {}}
ONE = {"rating": {"upVotes": 1, "downVotes": 0}, "reactions": {"LIKE": 1}}
READS = [Permission.READ_ASSET, Permission.READ_COMMENT, Permission.READ_ANNOTATION]


@pytest.fixture
def asset(client: ApiClient) -> str:
    return _asset(client, "a")


def _asset(client: ApiClient, letter: str) -> str:
    return str(client.post("/assets", {"sha512": letter * 128, "filename": letter}, expect=201)["uuid"])


def _comment(client: ApiClient, asset: str) -> str:
    return str(client.post(f"/assets/{asset}/comments", {"text": "x"}, expect=201)["uuid"])


def _note(client: ApiClient, asset: str) -> str:
    return str(client.post(f"/assets/{asset}/annotations", {"type": "TAG", "title": "x"}, expect=201)["uuid"])


@pytest.mark.parametrize(
    "body",
    [
        None, [], {}, {"type": None}, {"type": ""}, {"type": 5}, {"type": "x" * 65}, {"type": "\x00"},
        {"type": "RATING", "rating": 101}, {"type": "RATING", "rating": -101}, {"type": "RATING", "rating": 1.5},
        {"type": "RATING", "rating": True}, {"type": "RATING", "rating": "5"}, {"type": "RATING", "rating": 10**30},
    ],
)  # fmt: skip
def test_what_is_no_reaction(client: ApiClient, asset: str, body: Any) -> None:
    client.post(f"/assets/{asset}/reactions", body, expect=400)
    assert client.get("/reactions")["_metainfo"]["totalCount"] == 0


def test_any_word_is_a_type(client: ApiClient, asset: str) -> None:
    words = ["THUMBSUP", "thumbsup", "🦜", "x" * 64, "__proto__", " "]
    for word in words:
        assert client.post(f"/assets/{asset}/reactions", {"type": word}, expect=201)["type"] == word
    social = client.get(f"/assets/{asset}")["social"]
    assert social == {"rating": {"upVotes": 2, "downVotes": 0}, "reactions": dict.fromkeys(words, 1)}


@pytest.mark.parametrize("kind", ["assets", "comments", "annotations"])
def test_a_crowd_with_one_mind_leaves_one_row(client: ApiClient, asset: str, kind: str) -> None:
    target = {"assets": asset, "comments": _comment(client, asset), "annotations": _note(client, asset)}[kind]
    path = f"/{kind}/{target}/reactions"
    send = lambda number: client.request("POST", path, {"type": "RATING", "rating": number}).status_code  # noqa: E731
    assert crowd(send) == {201: 1, 200: 49}
    assert client.get(path)["_metainfo"]["totalCount"] == client.get("/reactions")["_metainfo"]["totalCount"] == 1


def test_a_crowd_that_takes_it_back_too(client: ApiClient, asset: str) -> None:
    path = f"/assets/{asset}/reactions"

    def act(number: int) -> int:
        answer = client.request("POST", path, {"type": "LIKE", "rating": number})
        if number % 2 and answer.status_code < 300:
            return client.request("DELETE", f"{path}/{answer.json['uuid']}").status_code
        return answer.status_code

    assert set(crowd(act)) <= {200, 201, 204, 404, 409}
    assert client.get(path)["_metainfo"]["totalCount"] in {0, 1}


def test_people_react_beside_each_other(client: ApiClient, platform: Platform, asset: str) -> None:
    for number, stars in enumerate([1, 2, 5]):
        make_user(platform, f"user {number}", [*READS, Permission.CREATE_REACTION, Permission.READ_REACTION])
        user = sign_in(client.app, f"user {number}")
        user.post(f"/assets/{asset}/reactions", {"type": "RATING", "rating": stars}, expect=201)
        user.post(f"/assets/{asset}/reactions", {"type": "MINUS_ONE"}, expect=201)
    social = client.get(f"/assets/{asset}")["social"]
    assert social["reactions"] == {"RATING": 3, "MINUS_ONE": 3}
    assert social["rating"] == {"upVotes": 0, "downVotes": 3, "stars": pytest.approx(8 / 3)}
    found = client.get(f"/assets/{asset}/reactions", query_string={"filter": "type[eq]=RATING", "limit": 2})
    assert (len(found["data"]), found["_metainfo"]["totalCount"]) == (2, 3)


def test_with_the_permission_those_of_others_too(client: ApiClient, platform: Platform, asset: str) -> None:
    path = f"/assets/{asset}/reactions/{client.post(f'/assets/{asset}/reactions', {'type': 'A'}, expect=201)['uuid']}"
    moderates = [*READS, Permission.READ_REACTION, Permission.UPDATE_REACTION, Permission.DELETE_REACTION]
    make_user(platform, "eve", moderates)
    eve = sign_in(client.app, "eve")
    eve.post(f"/assets/{asset}/reactions", {"type": "A"}, expect=403)
    changed = eve.patch(path, {"rating": 2})
    assert (changed["status"]["creator"]["name"], changed["status"]["editor"]["name"]) == ("admin", "eve")
    eve.delete(path)


def test_sums_are_shown_to_those_who_may_read_what_is_summed_up(
    client: ApiClient, platform: Platform, actor: Actor, asset: str
) -> None:
    other = _asset(client, "b")
    library = put_in_library(platform, actor, other)
    make_user(platform, "eve", READS, scoped=[(Permission.READ_REACTION, "library", library)])
    eve = sign_in(client.app, "eve")
    for key, expected in ((asset, None), (other, ONE)):
        comment, note = _comment(client, key), _note(client, key)
        for path in (f"/comments/{comment}", f"/annotations/{note}"):
            client.post(f"{path}/reactions", {"type": "LIKE"}, expect=201)
            assert client.get(path)["social"] == ONE
            assert eve.get(path).get("social") == expected
    assert [each.get("social") for each in eve.get("/comments")["data"]] == [None, ONE]
    assert [each.get("social") for each in eve.get("/annotations")["data"]] == [None, ONE]
    assert eve.get("/reactions")["_metainfo"]["totalCount"] == 2
    quiet = _comment(client, other)
    assert eve.get(f"/comments/{quiet}")["social"] == NONE


def test_with_what_is_reacted_to_go_the_reactions(client: ApiClient, asset: str) -> None:
    comment, note = _comment(client, asset), _note(client, asset)
    answer = client.post(f"/annotations/{note}/comments", {"text": "x"}, expect=201)["uuid"]
    for path in (f"/comments/{comment}", f"/annotations/{note}", f"/comments/{answer}"):
        client.post(f"{path}/reactions", {"type": "LIKE"}, expect=201)
    client.delete(f"/comments/{comment}")
    assert client.get("/reactions")["_metainfo"]["totalCount"] == 2
    client.delete(f"/annotations/{note}")
    assert client.get("/reactions")["_metainfo"]["totalCount"] == 0
