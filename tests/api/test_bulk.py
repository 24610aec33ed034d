"""Bulk requests: lists of any length become assets, item by item, with an outcome for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from models.permissions import Permission
from models.services.bulk_answers import bulk_items
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.platforms import rows
from tests.support.working import meanwhile
from workers.inline import run_all

_LINES = "application/x-ndjson"


def sha512(number: int) -> str:
    return f"{number:0128x}"


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"sha512": sha512(number), "filename": f"{number}.jpg", **more}


class Bulk:
    """Bulk requests, done by the time that they are answered."""

    def __init__(self, client: ApiClient, platform: Platform) -> None:
        self.client, self.platform = client, platform

    def send(self, verb: str, body: Any, kind: str = "application/json", expect: int = 202) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.client.request(
            "POST", f"/assets/bulk/{verb}", data, headers={"Content-Type": kind}, expect=expect
        )
        run_all(self.platform)
        return answer.json

    def ask(self, verb: str, body: Any, kind: str = "application/json") -> Any:
        """Give the task when it has ended."""
        return self.client.get(f"/tasks/{self.send(verb, body, kind)['uuid']}")

    def create(self, *items: Any) -> list[Any]:
        task = self.ask("create", {"assets": items})
        return self.outcomes(task)

    def update(self, *items: Any) -> list[Any]:
        return self.outcomes(self.ask("update", {"assets": items}))

    def outcomes(self, task: Any) -> list[Any]:
        return [
            (each["state"], each.get("code"))
            for each in self.client.get(f"/tasks/{task['uuid']}/items?limit=100")["data"]
        ]

    def asset(self, number: int) -> Any:
        return self.client.get(f"/assets/sha512/{sha512(number)}")


@pytest.fixture
def bulk(client: ApiClient, platform: Platform) -> Bulk:
    return Bulk(client, platform)


@pytest.mark.parametrize("kind", ["application/json", _LINES])
def test_a_list_becomes_assets(bulk: Bulk, kind: str) -> None:
    items = [
        item(number, meta={"n": number}, tags=[{"name": "bulk"}, {"name": f"{number % 2}"}]) for number in range(2500)
    ]
    lines = b"\n".join(json.dumps(each).encode() for each in items)
    task = bulk.ask("create", {"assets": items} if kind != _LINES else lines, kind)
    assert (task["state"], task["result"]) == (
        "SUCCEEDED", {"total": 2500, "created": 2500, "existing": 0, "failed": 0},
    )  # fmt: skip
    assert task["progress"]["done"] == task["progress"]["total"] == 2500
    one = bulk.asset(2499)
    assert (one["file"]["filename"], one["meta"]) == ("2499.jpg", {"n": 2499})
    assert {tag["name"] for tag in one["tags"]} == {"bulk", "1"}
    found = bulk.client.get("/assets?filter=tag[eq]=bulk&limit=1")
    assert found["_metainfo"]["totalCount"] == 2500
    assert rows(bulk.platform, "SELECT count(*) FROM event WHERE type = 'asset.created'") == [(2500,)]


def test_every_item_has_an_outcome(bulk: Bulk) -> None:
    bulk.client.post("/blacklists", {"name": "no", "sha512": sha512(3)}, expect=201)
    outcomes = bulk.create(
        item(1), item(2), item(1), item(3), {"filename": "x"}, 5, None, "x", item(4, file={"filename": "x"}),
        item(5, meta=1), {"sha512": "ab", "filename": "x"}, item(6, tags=[{}]),
    )  # fmt: skip
    bad = ("FAILED", "validation")
    assert outcomes == [("DONE", None), ("DONE", None), ("SKIPPED", "duplicate"), ("FAILED", "blacklisted"), *[bad] * 8]
    assert bulk.client.get("/assets")["_metainfo"]["totalCount"] == 2


def test_sent_again_nothing_is_made_twice(bulk: Bulk) -> None:
    bulk.create(item(1), item(2))
    task = bulk.ask("create", {"assets": [item(1), item(2, filename="other"), item(3)]})
    assert task["result"] == {"total": 3, "created": 1, "existing": 2, "failed": 2}
    assert task["state"] == "SUCCEEDED"
    assert bulk.asset(2)["file"]["filename"] == "2.jpg"


def test_the_answer_of_the_wire_contract(bulk: Bulk, tmp_path: Path) -> None:
    task = bulk.send(
        "create", {"assets": [item(1, clientRef="first"), item(1, clientRef="again"), {"clientRef": "bad"}]}
    )
    answer = bulk.client.get(f"/tasks/{task['uuid']}")["result"]
    assert answer == {"total": 3, "created": 1, "existing": 1, "failed": 2}
    with bulk.platform.reading() as uow:
        first, again, bad = bulk_items(uow, task["uuid"], "assets.bulk-create")
    uuid = bulk.asset(1)["uuid"]
    assert first == {"index": 0, "uuid": uuid, "sha512": sha512(1), "clientRef": "first", "status": "CREATED"}
    assert (again["uuid"], again["status"], again["code"], again["clientRef"]) == (uuid, "FAILED", "duplicate", "again")
    assert (bad["index"], bad["status"], bad["code"], bad["clientRef"]) == (2, "FAILED", "validation", "bad")
    assert "hashes.sha512" in bad["error"]


def test_who_waits_is_answered_with_the_outcomes(bulk: Bulk) -> None:
    with meanwhile(lambda: run_all(bulk.platform)):
        answer = bulk.client.request(
            "POST", "/assets/bulk/create", {"assets": [item(1), {}]}, headers={"Prefer": "wait=30"}, expect=200
        )
        broken = bulk.client.request(
            "POST",
            "/assets/bulk/create",
            b'{"assets": [',
            headers={"Prefer": "wait=30", "Content-Type": "application/json"},
        )
    assert answer.headers["Preference-Applied"] == "wait=30"
    assert [each["status"] for each in answer.json["items"]] == ["CREATED", "FAILED"]
    assert {name: answer.json[name] for name in ("total", "created", "failed")} == {
        "total": 2,
        "created": 1,
        "failed": 1,
    }
    assert (broken.status_code, broken.json["code"]) == (400, "bad-json")


def test_what_more_an_asset_may_bring_along(bulk: Bulk) -> None:
    library = bulk.client.post("/libraries", {"name": "library"}, expect=201)["uuid"]
    tag = bulk.client.post("/tags", {"name": "known"}, expect=201)["uuid"]
    outcomes = bulk.create(
        item(1, libraries=[library], image={"width": 3}, timeline=[{"type": "TAG", "title": "here"}],
             embeddings=[{"vector": [1, 2]}], tags=[{"uuid": tag, "area": {"from": 1}}]),
        item(2, libraries=[library]),
        item(3, libraries=["0192f0c1-7a3e-7cc2-9d1b-3f0a5b6c7d8e"]),
        item(4, tags=[{"uuid": "0192f0c1-7a3e-7cc2-9d1b-3f0a5b6c7d8e"}]),
    )  # fmt: skip
    assert [state for state, _ in outcomes] == ["DONE", "DONE", "FAILED", "FAILED"]
    one = bulk.asset(1)
    assert one["imageComponents"][0]["width"] == 3
    assert (one["annotations"][0]["title"], one["tags"][0]["name"]) == ("here", "known")
    assert bulk.client.get(f"/libraries/{library}/assets")["_metainfo"]["totalCount"] == 2
    assert bulk.client.get("/assets")["_metainfo"]["totalCount"] == 2, "who fails leaves nothing"


def test_changes(bulk: Bulk) -> None:
    bulk.create(*(item(number) for number in range(4)))
    before = {number: bulk.asset(number) for number in range(4)}
    outcomes = bulk.update(
        {"hashes": {"sha512": sha512(0)}, "update": {"file": {"filename": "zero.jpg"}, "meta": {"a": True}}},
        {"hashes": {"sha512": sha512(1), "md5": "ab" * 16}, "update": {"tags": [{"name": "one"}], "geo": {"lat": 1}}},
        {"hashes": {"sha512": sha512(2)}, "update": {"file": {"filename": "2.jpg"}}},
        {"hashes": {"sha512": sha512(9)}, "update": {}},
        {"hashes": {"sha512": sha512(3)}, "update": {"file": {"size": 7}}},
        {"hashes": {"sha512": sha512(3)}, "update": {"hashes": {"md5": "no"}}},
        {"update": {}},
    )
    assert outcomes == [
        ("DONE", None), ("DONE", None), ("DONE", None), ("FAILED", "not-found"), ("FAILED", "conflict"),
        ("FAILED", "validation"), ("FAILED", "validation"),
    ]  # fmt: skip
    assert (bulk.asset(0)["file"]["filename"], bulk.asset(0)["meta"]) == ("zero.jpg", {"a": True})
    one = bulk.asset(1)
    assert (one["hashes"]["md5"], one["geo"]["lat"], one["tags"][0]["name"]) == ("ab" * 16, 1, "one")
    assert bulk.asset(2) == before[2], "what is so already is no change"
    assert bulk.asset(3) == before[3]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"{}", b"nonsense", b'{"assets": 1}', b'{"assets": [{"sha512": "', b'{"assets": []} x',
     b'{"assets": ' + b"[" * 5000, b'{"x": ' + b'{"x":' * 5000],
)  # fmt: skip
def test_a_body_that_is_none_does_nothing(bulk: Bulk, body: bytes) -> None:
    whole = json.dumps(item(1)).encode()
    task = bulk.ask("create", body.replace(b"[{", b"[" + whole + b",{"))
    assert task["state"] == "FAILED"
    assert task["error"]["code"] in {"bad-json", "validation"}
    assert bulk.client.get("/assets")["_metainfo"]["totalCount"] == 0


def test_bad_lines_cost_only_themselves(bulk: Bulk) -> None:
    lines = [
        json.dumps(item(1)).encode(), b"", b"{", b"5", b"\xff", b'{"filename": "\\u0000"}',
        b'{"x": 1' + b"0" * 400 + b"}", b"[" * 100_000, b" " * (3 * 1024**2), b'"' + b"x" * (3 * 1024**2) + b'"',
        json.dumps(item(2)).encode(),
    ]  # fmt: skip
    task = bulk.ask("create", b"\r\n".join(lines), _LINES)
    outcomes = bulk.outcomes(task)
    assert (outcomes[0], outcomes[-1], len(outcomes)) == (("DONE", None), ("DONE", None), 10)
    assert {state for state, _ in outcomes[1:-1]} == {"FAILED"}
    assert task["state"] == "PARTIAL"


@pytest.mark.parametrize("body", [b'{"assets": []}', b'{"assets": [], "more": {"assets": [1]}}'])
def test_an_empty_list(bulk: Bulk, body: bytes) -> None:
    task = bulk.ask("create", body)
    assert (task["state"], task["result"]["total"]) == ("SUCCEEDED", 0)


def test_only_lists_are_taken(bulk: Bulk) -> None:
    bulk.send("create", b"x", "text/plain", expect=415)
    bulk.send("create", b"", expect=400)


def test_rights_are_those_of_whoever_asked_at_that_time(app: Flask, platform: Platform, bulk: Bulk) -> None:
    user = make_user(platform, "u", [Permission.CREATE_ASSET, Permission.READ_ASSET, Permission.READ_TASK])
    theirs = Bulk(sign_in(app, "u"), platform)
    assert theirs.create(item(1), item(2, tags=[{"name": "x"}])) == [("DONE", None), ("FAILED", "forbidden")]
    answer = theirs.client.request("POST", "/assets/bulk/create", {"assets": [item(3)]}, expect=202).json
    bulk.client.patch(f"/users/{user.user_id}", {"enabled": False})
    run_all(platform)
    assert bulk.outcomes(answer) == [("FAILED", "unauthorized")]


def test_failed_items_can_be_tried_again(bulk: Bulk) -> None:
    entry = bulk.client.post("/blacklists", {"name": "no", "sha512": sha512(1)}, expect=201)
    task = bulk.ask("create", {"assets": [item(0), item(1)]})
    bulk.client.delete(f"/blacklists/{entry['uuid']}")
    bulk.client.post(f"/tasks/{task['uuid']}/retry", {"items": "failed"}, expect=202)
    run_all(bulk.platform)
    task = bulk.client.get(f"/tasks/{task['uuid']}")
    assert task["result"] == {"total": 2, "created": 2, "existing": 0, "failed": 0}


def test_outcomes_of_many_parts_are_one_list(bulk: Bulk) -> None:
    items = [item(number, meta={"text": "x" * 1000}) for number in range(3000)]
    items[2500] = {"filename": "no hash"}
    items[2900] = items[2899]
    task = bulk.ask("create", {"assets": items})
    assert task["progress"] == {**task["progress"], "done": 2998, "failed": 1, "skipped": 1, "total": 3000}
    seen: list[Any] = []
    path = f"/tasks/{task['uuid']}/items?limit=700"
    while len(page := bulk.client.get(path + (f"&from={page_end}" if (page_end := _end(seen)) else ""))["data"]):
        seen += page
    assert [each["index"] for each in seen] == list(range(3000))
    assert [each["subject"] for each in seen[:3]] == [sha512(number) for number in range(3)]
    assert {each["index"]: each["state"] for each in seen if each["state"] != "DONE"} == {
        2500: "FAILED", 2900: "SKIPPED",
    }  # fmt: skip
    skipped = bulk.client.get(f"/tasks/{task['uuid']}/items?state=SKIPPED")
    assert ([each["index"] for each in skipped["data"]], skipped["_metainfo"]["totalCount"]) == ([2900], 1)


def _end(seen: Sequence[Any]) -> UUID | None:
    return UUID(int=seen[-1]["index"] + 1) if seen else None


def test_items_of_a_part_that_was_given_up_can_be_tried_again(app: Flask, platform: Platform, bulk: Bulk) -> None:
    user = make_user(platform, "u", [Permission.CREATE_ASSET, Permission.READ_ASSET, Permission.READ_TASK])
    theirs = Bulk(sign_in(app, "u"), platform)
    task = theirs.client.request("POST", "/assets/bulk/create", {"assets": [item(1), {}, item(2)]}, expect=202).json
    bulk.client.patch(f"/users/{user.user_id}", {"enabled": False})
    run_all(platform)
    assert bulk.outcomes(task) == [("FAILED", "unauthorized")] * 3
    bulk.client.patch(f"/users/{user.user_id}", {"enabled": True})
    bulk.client.post(f"/tasks/{task['uuid']}/retry", {"items": "failed"}, expect=202)
    run_all(platform)
    assert bulk.outcomes(task) == [("DONE", None), ("FAILED", "validation"), ("DONE", None)]
    assert rows(platform, "SELECT count(*) FROM asset") == [(2,)]


def test_hashes_are_looked_up(app: Flask, platform: Platform, bulk: Bulk) -> None:
    bulk.create(item(1), item(2))
    bulk.client.post("/blacklists", {"name": "no", "sha512": sha512(2)}, expect=201)
    hashes = [sha512(3), sha512(1), sha512(2), sha512(1).upper()]
    found = bulk.client.post("/assets/bulk/check", {"hashes": hashes})["items"]
    assert [each["status"] for each in found] == ["UNKNOWN", "KNOWN", "BLACKLISTED", "KNOWN"]
    assert (found[1]["uuid"], found[1]["index"]) == (bulk.asset(1)["uuid"], 1)
    assert bulk.client.post("/assets/bulk/check", {"hashes": []})["items"] == []
    for body in ({}, {"hashes": ["x"]}, {"hashes": [sha512(1)] * 10_001}):
        bulk.client.post("/assets/bulk/check", body, expect=400)
    many = [sha512(number) for number in range(10_000)]
    assert _count(bulk.client.post("/assets/bulk/check", {"hashes": many})["items"]) == (9998, 1)


def _count(items: Sequence[Any]) -> tuple[int, int]:
    statuses = [each["status"] for each in items]
    return statuses.count("UNKNOWN"), statuses.count("KNOWN")
