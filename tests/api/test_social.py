"""Comments, annotations and reactions: where they are made, who may read them, and how they add up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from models.permissions import Actor, Permission
from models.wiring import Platform
from tests.support.assets import put_in_library
from tests.support.client import ApiClient
from tests.support.people import make_space, make_user, sign_in

NOTE = {"type": "FEEDBACK", "title": "This bridge", "area": {"from": 10, "to": 20, "startX": 1}}


@pytest.fixture
def asset(client: ApiClient) -> str:
    return str(client.post("/assets", {"sha512": "a" * 128, "filename": "a.jpg"}, expect=201)["uuid"])


@pytest.fixture
def note(client: ApiClient, asset: str) -> str:
    return str(client.post(f"/assets/{asset}/annotations", NOTE, expect=201)["uuid"])


def test_a_thread_of_comments(client: ApiClient, asset: str, note: str) -> None:
    first = client.post(f"/assets/{asset}/comments", {"text": "Where?"}, expect=201)
    answer = client.post("/comments", {"text": "Lisbon", "parentUuid": first["uuid"]}, expect=201)
    assert (answer["assetUuid"], answer["parentUuid"]) == (asset, first["uuid"])
    on_note = client.post(f"/annotations/{note}/comments", {"text": "Yes", "title": "T"}, expect=201)
    assert (on_note["annotationUuid"], on_note["assetUuid"]) == (note, asset)
    assert [each["text"] for each in client.get(f"/assets/{asset}/comments")["data"]] == ["Where?", "Lisbon"]
    assert client.get(f"/annotations/{note}/comments")["data"][0]["uuid"] == on_note["uuid"]
    assert client.get(f"/annotations/{note}")["comments"][0]["text"] == "Yes"
    found = client.get("/comments", query_string={"filter": f"parent[eq]={first['uuid']}"})
    assert [each["uuid"] for each in found["data"]] == [answer["uuid"]]
    client.post(
        "/comments", {"text": "x", "parentUuid": on_note["uuid"], "annotationUuid": str(UUID(int=1))}, expect=400
    )
    client.delete(f"/comments/{first['uuid']}")
    client.get(f"/comments/{answer['uuid']}", expect=404)
    client.delete(f"/assets/{asset}")
    assert client.get("/comments")["data"] == client.get("/annotations")["data"] == []


def test_what_a_comment_cannot_be_about(client: ApiClient, asset: str, note: str) -> None:
    other = client.post("/assets", {"sha512": "b" * 128, "filename": "b.jpg"}, expect=201)["uuid"]
    client.post("/comments", {"text": "x", "assetUuid": other, "annotationUuid": note}, expect=400)
    client.post("/comments", {"text": "x", "assetUuid": str(UUID(int=1))}, expect=404)
    client.post("/comments", {"text": "x", "parentUuid": str(UUID(int=1))}, expect=400)
    client.post("/comments", {"text": ""}, expect=400)
    client.post(f"/annotations/{UUID(int=1)}/comments", {"text": "x"}, expect=404)


@pytest.mark.parametrize("area", [{"from": 2, "to": 1}, {"width": -1}, {"width": 1.5}, {"width": True}, [], "x"])
def test_what_is_no_area(client: ApiClient, asset: str, area: Any) -> None:
    assert "area" in client.post(f"/assets/{asset}/annotations", {**NOTE, "area": area}, expect=400)["message"]


@pytest.mark.parametrize("kind", ["assets", "comments", "annotations"])
def test_the_life_of_a_reaction(client: ApiClient, asset: str, note: str, kind: str) -> None:
    comment = client.post(f"/assets/{asset}/comments", {"text": "x"}, expect=201)["uuid"]
    path = f"/{kind}/{ {'assets': asset, 'comments': comment, 'annotations': note}[kind] }/reactions"
    made = client.post(path, {"type": "THUMBSUP"}, expect=201)
    assert client.post(path, {"type": "THUMBSUP", "rating": 3}, expect=200)["uuid"] == made["uuid"]
    client.post(path, {"type": "RATING", "rating": 4}, expect=201)
    one = f"{path}/{made['uuid']}"
    assert (client.get(one)["rating"], client.get(path)["_metainfo"]["totalCount"]) == (3, 2)
    assert client.post(one, {"type": "my own word"})["type"] == "my own word"
    client.patch(one, {"type": "RATING"}, expect=409)
    assert "rating" not in client.request("PUT", one, {"type": "PLUS_ONE", "rating": None, "meta": None}).json
    client.get(f"/assets/{asset}/reactions/{UUID(int=1)}", expect=404)
    assert client.get(f"/reactions/{made['uuid']}")["type"] == "PLUS_ONE"
    element = client.get(path.removesuffix("/reactions")) if kind != "comments" else client.get("/comments")["data"][0]
    assert element["social"] == {
        "rating": {"upVotes": 1, "downVotes": 0, "stars": 4.0}, "reactions": {"PLUS_ONE": 1, "RATING": 1},
    }  # fmt: skip
    client.delete(one)
    client.get(f"/reactions/{made['uuid']}", expect=404)


def test_a_reaction_is_found_below_its_own_target_only(client: ApiClient, asset: str, note: str) -> None:
    made = client.post(f"/annotations/{note}/reactions", {"type": "LIKE"}, expect=201)["uuid"]
    client.get(f"/assets/{asset}/reactions/{made}", expect=404)
    assert client.get(f"/assets/{asset}/reactions")["data"] == []
    client.delete(f"/assets/{asset}/reactions/{made}", expect=404)


def test_fifty_reactions_at_once_are_one(client: ApiClient, asset: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        send = lambda number: client.request("POST", f"/assets/{asset}/reactions", {"type": "LIKE", "rating": number})  # noqa: E731
        answers = list(pool.map(send, range(50)))
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert client.get(f"/assets/{asset}")["social"]["reactions"] == {"LIKE": 1}


def test_reactions_of_others_are_theirs(client: ApiClient, platform: Platform, asset: str) -> None:
    made = client.post(f"/assets/{asset}/reactions", {"type": "LIKE"}, expect=201)["uuid"]
    make_user(platform, "eve", [Permission.READ_ASSET, Permission.READ_REACTION, Permission.CREATE_REACTION])
    eve = sign_in(client.app, "eve")
    own = eve.post(f"/assets/{asset}/reactions", {"type": "LIKE"}, expect=201)["uuid"]
    eve.patch(f"/assets/{asset}/reactions/{made}", {"rating": 1}, expect=403)
    eve.delete(f"/reactions/{made}", expect=403)
    eve.delete(f"/reactions/{own}")


def test_without_the_asset_nothing_on_it_is_seen(client: ApiClient, platform: Platform, asset: str, note: str) -> None:
    comment = client.post(f"/assets/{asset}/comments", {"text": "x"}, expect=201)["uuid"]
    client.post(f"/assets/{asset}/reactions", {"type": "LIKE"}, expect=201)
    reads = [Permission.READ_COMMENT, Permission.READ_ANNOTATION, Permission.READ_REACTION]
    make_user(platform, "blind", reads)
    make_user(platform, "stranger", list(Permission), space_id=make_space(platform, "other"))
    for caller in (sign_in(client.app, "blind"), sign_in(client.app, "stranger", "other")):
        for path in ("comments", "annotations", "reactions"):
            assert caller.get(f"/{path}")["_metainfo"] == {"perPage": 25, "totalCount": 0}
        caller.get(f"/comments/{comment}", expect=404)
        caller.get(f"/annotations/{note}", expect=404)


def test_reactions_that_one_may_not_read_are_not_counted(client: ApiClient, platform: Platform, asset: str) -> None:
    comment = client.post(f"/assets/{asset}/comments", {"text": "A"}, expect=201)["uuid"]
    client.post(f"/comments/{comment}/reactions", {"type": "LIKE"}, expect=201)
    library = UUID(client.post("/libraries", {"name": "other"}, expect=201)["uuid"])
    reads = (Permission.READ_ASSET, Permission.READ_COMMENT)
    make_user(platform, "eve", reads, scoped=[(Permission.READ_REACTION, "library", library)])
    [seen] = sign_in(client.app, "eve").get(f"/assets/{asset}/comments")["data"]
    assert "social" not in seen
    assert client.get(f"/assets/{asset}/comments")["data"][0]["social"]["reactions"] == {"LIKE": 1}


def test_many_comments_on_one_annotation_hide_none_on_another(
    client: ApiClient, platform: Platform, asset: str, note: str
) -> None:
    other = client.post(f"/assets/{asset}/annotations", NOTE, expect=201)["uuid"]
    first = client.post(f"/annotations/{note}/comments", {"text": "first"}, expect=201)["uuid"]
    with platform.unit_of_work() as uow:
        # Older than any that follows: the keys of comments rise.
        uow.execute(
            """INSERT INTO comment (id, space_id, asset_id, annotation_id, text)
               SELECT CAST('01000000-0000-7000-8000-' || lpad(n::text, 12, '0') AS uuid), space_id, asset_id,
                      annotation_id, CAST(n AS text) FROM comment, generate_series(1, 250) AS n WHERE id = :first""",
            first=first,
        )
        uow.commit()
    client.post(f"/annotations/{other}/comments", {"text": "mine"}, expect=201)
    crowded, quiet = client.get("/annotations")["data"]
    assert [each["text"] for each in crowded["comments"]] == [str(number) for number in range(1, 101)]
    assert [each["text"] for each in quiet["comments"]] == ["mine"]
    assert client.get(f"/annotations/{note}/comments")["_metainfo"]["totalCount"] == 251
    assert crowded["tags"] == quiet["tags"] == []


def test_a_long_thread_goes_at_once(client: ApiClient, platform: Platform, asset: str) -> None:
    root = client.post(f"/assets/{asset}/comments", {"text": "root"}, expect=201)["uuid"]
    with platform.unit_of_work() as uow:
        uow.execute(
            """WITH key (n, id) AS (SELECT n, md5(CAST(n AS text))::uuid FROM generate_series(1, 5000) AS n)
               INSERT INTO comment (id, space_id, asset_id, parent_id, text)
               SELECT key.id, comment.space_id, asset_id, coalesce(above.id, comment.id), 'x'
               FROM comment, key LEFT JOIN key AS above ON above.n = key.n - 1 WHERE comment.id = :root""",
            root=root,
        )
        uow.commit()
    assert client.get("/comments")["_metainfo"]["totalCount"] == 5001
    client.delete(f"/comments/{root}")
    assert client.get("/comments")["_metainfo"]["totalCount"] == 0


def test_annotations_show_only_comments_that_the_caller_may_read(
    client: ApiClient, platform: Platform, actor: Actor, asset: str, note: str
) -> None:
    client.post(f"/annotations/{note}/comments", {"text": "x"}, expect=201)
    reads = [Permission.READ_ASSET, Permission.READ_ANNOTATION]
    library = put_in_library(platform, actor, asset)
    make_user(platform, "blind", reads)
    make_user(platform, "scoped", reads, scoped=[(Permission.READ_COMMENT, "library", library)])
    assert sign_in(client.app, "blind").get(f"/annotations/{note}")["comments"] == []
    assert len(sign_in(client.app, "scoped").get(f"/annotations/{note}")["comments"]) == 1
