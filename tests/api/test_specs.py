"""What must hold of every plain resource, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from models.wiring import Platform
from tests.support.client import ApiClient
from web.crud import CrudSpec, Operation
from web.resources import SPECS

Bodies = Callable[[int], dict[str, Any]]
by_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.path.strip("/"))


@dataclass(frozen=True)
class Kind:
    """How to make elements of a spec: bodies by number, what names them, and whether two may have one name."""

    body: Bodies
    key: str = "name"
    is_unique: bool = True
    is_required: bool = True
    """Whether an element cannot be without its name."""
    volatile: frozenset[str] = frozenset()
    """What is told of a single element at the time, or once."""
    rename: Callable[[str], str] = str
    """Makes something to be called by of a word."""
    replaced: tuple[str, ...] = ()
    """What a replacement needs of this kind besides what it needs of all."""


@pytest.fixture
def kind(spec: CrudSpec[Any], client: ApiClient, tmp_path: Path) -> Kind:
    """Every spec needs a line here."""

    def pool(number: int) -> dict[str, Any]:
        folder = tmp_path / f"pool-{number}"
        folder.mkdir(exist_ok=True)
        return {"name": f"pool {number:02}", "fsPath": str(folder)}

    def named(number: int) -> dict[str, Any]:
        return {"name": f"element {number:02}"}

    def entry(number: int) -> dict[str, Any]:
        return {"name": f"entry {number:02}", "sha512": f"{number:0128x}"}

    def hook(number: int) -> dict[str, Any]:
        return {"url": f"https://example.org/{number:02}"}

    def annotation(number: int) -> dict[str, Any]:
        known = client.get("/assets")["data"]
        asset = known[0] if known else client.post("/assets", {"sha512": "a" * 128, "filename": "a"}, expect=201)
        return {"type": "FEEDBACK", "title": f"element {number:02}", "assetUuid": asset["uuid"]}

    def part(number: int) -> dict[str, Any]:
        return {"assetUuid": annotation(number)["assetUuid"], "source": f"element {number:02}"}

    def image(number: int) -> dict[str, Any]:
        return {**part(number), "type": "IMAGE", "image": {"width": number}}

    def embedding(number: int) -> dict[str, Any]:
        return {**part(number), "frameNumber": number, "vector": [0.1, number]}

    kinds = {
        "/comments": Kind(lambda number: {"text": f"element {number:02}"}, "text", is_unique=False),
        "/annotations": Kind(annotation, "title", is_unique=False),
        "/tokens": Kind(named, volatile=frozenset({"token"})),
        "/users": Kind(lambda number: {"username": f"user {number:02}"}, "username"),
        "/groups": Kind(named),
        "/roles": Kind(named),
        "/spaces": Kind(named),
        "/blacklists": Kind(entry, is_required=False),
        "/webhooks": Kind(
            hook,
            "url",
            is_unique=False,
            volatile=frozenset({"secretToken"}),
            rename=lambda word: f"https://example.org/{word}",
        ),
        "/pipelines": Kind(named),
        "/libraries": Kind(named),
        "/collections": Kind(named),
        "/tags": Kind(named),
        "/clusters": Kind(
            lambda number: {**named(number), "type": "FACE"}, is_unique=False, is_required=False, replaced=("type",)
        ),
        "/persons": Kind(lambda number: {"alias": f"element {number:02}"}, "alias", is_unique=False, is_required=False),
        "/saved-searches": Kind(lambda number: {**named(number), "query": {"q": "a"}}, replaced=("query",)),
        "/asset-pools": Kind(pool, volatile=frozenset({"freeSpace"})),
        "/asset-components": Kind(image, "source", is_required=False, replaced=("image",)),
        "/embeddings": Kind(embedding, "source", is_required=False),
    }
    return kinds[spec.path]


@pytest.fixture
def before(client: ApiClient, spec: CrudSpec[Any]) -> set[str]:
    """Elements that an empty Loom has."""
    return {element["uuid"] for element in client.all(spec.path)}


def _make(client: ApiClient, spec: CrudSpec[Any], kind: Kind, count: int) -> list[dict[str, Any]]:
    return [client.post(spec.path, kind.body(number), expect=201) for number in range(count)]


def _new(elements: list[dict[str, Any]], before: set[str]) -> list[dict[str, Any]]:
    return [element for element in elements if element["uuid"] not in before]


@by_spec
def test_life_of_an_element(client: ApiClient, spec: CrudSpec[Any], kind: Kind, before: set[str]) -> None:
    made = client.post(spec.path, {**kind.body(1), "meta": {"a": [1, None, "ä"]}, "unknown": 1}, expect=201)
    path = f"{spec.path}/{made['uuid']}"
    assert made["meta"] == {"a": [1, None, "ä"]}
    assert made["status"]["creator"]["name"] == made["status"]["editor"]["name"] == "admin"
    client.request("POST", spec.path, kind.body(1), expect=409 if kind.is_unique else 201)
    loaded = client.get(path)
    told = made.keys() - kind.volatile
    assert {key: loaded[key] for key in told} == {key: made[key] for key in told}
    assert _new(client.get(spec.path)["data"], before)[0]["uuid"] == made["uuid"]
    assert client.post(path, {kind.key: kind.rename("other"), "meta": None})[kind.key] == kind.rename("other")
    changed = client.patch(path, {"meta": {}})
    assert (changed[kind.key], changed["meta"]) == (kind.rename("other"), {})
    client.delete(path)
    client.get(path, expect=404)
    client.delete(path, expect=404)
    client.patch(path, {kind.key: kind.rename("x")}, expect=404)


@by_spec
def test_a_replacement_is_complete(client: ApiClient, spec: CrudSpec[Any], kind: Kind) -> None:
    made = client.post(spec.path, {**kind.body(1), "meta": {"a": 1}}, expect=201)
    path = f"{spec.path}/{made['uuid']}"
    answer = client.request("PUT", path, {kind.key: kind.rename("other")})
    if answer.status_code == 405:
        assert Operation.REPLACE not in spec.operations
        return
    assert (answer.status_code, answer.json["code"]) == (400, "validation")
    document = client.get("/openapi.json")
    body = document["paths"][f"/api/v1{spec.path}/{{element_id}}"]["put"]["requestBody"]["content"]["application/json"]
    wanted = document["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]["required"]
    assert set(answer.json["message"].split(": Missing")[0].split("; ")) <= set(wanted)
    whole = {key: made.get(key) for key in (*wanted, *kind.replaced)} | {kind.key: kind.rename("other"), "meta": None}
    replaced = client.request("PUT", path, whole, expect=200).json
    assert (replaced[kind.key], replaced["meta"]) == (kind.rename("other"), {})
    client.request("PUT", path, {**whole, kind.key: None}, expect=400 if kind.is_required else 200)


@by_spec
def test_sparse_answers(client: ApiClient, spec: CrudSpec[Any], kind: Kind) -> None:
    made = client.post(spec.path, kind.body(1), expect=201)
    path, wanted = f"{spec.path}/{made['uuid']}", {"fields": f"uuid,{kind.key},status.created"}
    expected = {"uuid": made["uuid"], kind.key: made[kind.key], "status": {"created": made["status"]["created"]}}
    assert client.get(path, query_string=wanted) == expected
    assert expected in client.get(spec.path, query_string=wanted)["data"]
    assert "nothing" in client.get(path, query_string={"fields": "nothing"}, expect=400)["message"]


@by_spec
def test_every_change_is_an_event(client: ApiClient, platform: Platform, spec: CrudSpec[Any], kind: Kind) -> None:
    made = client.post(spec.path, kind.body(1), expect=201)
    client.patch(f"{spec.path}/{made['uuid']}", {kind.key: kind.rename("other")})
    client.patch(f"{spec.path}/{made['uuid']}", {kind.key: kind.rename("other")})
    client.delete(f"{spec.path}/{made['uuid']}")
    statement = """SELECT type FROM event WHERE subject_id = %(id)s
                   AND type NOT IN ('policy.changed', 'asset.created') ORDER BY id"""
    with platform.unit_of_work() as uow:
        rows = uow.fetch(statement, id=made["assetUuid"] if spec.resource.is_part else made["uuid"])
    assert [row[0] for row in rows] == [spec.resource.created, spec.resource.updated, spec.resource.deleted]


@by_spec
def test_nobody_gets_in_without_a_token(client: ApiClient, spec: CrudSpec[Any], kind: Kind) -> None:
    made = client.post(spec.path, kind.body(1), expect=201)
    for caller in (client.anonymous(), ApiClient(client.app, "nonsense"), ApiClient(client.app, "loom_nonsense")):
        for method, path in (
            ("GET", spec.path), ("POST", spec.path), ("GET", f"{spec.path}/{made['uuid']}"),
            ("POST", f"{spec.path}/{made['uuid']}"), ("PATCH", f"{spec.path}/{made['uuid']}"),
            ("DELETE", f"{spec.path}/{made['uuid']}"),
        ):  # fmt: skip
            answer = caller.request(method, path, b"not even JSON", expect=401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    client.get(f"{spec.path}/{made['uuid']}")


@by_spec
def test_what_is_no_uuid_is_a_bad_request(client: ApiClient, spec: CrudSpec[Any]) -> None:
    for key in ("1", "x" * 36, "0" * 32, "%00", "..", "01920000-0000-7000-8000-00000000000g"):
        for method in ("GET", "POST", "PATCH", "DELETE"):
            client.request(method, f"{spec.path}/{key}", {}, expect=400)


@by_spec
def test_an_unknown_element_is_not_found(client: ApiClient, spec: CrudSpec[Any]) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        client.request(method, f"{spec.path}/{uuid4()}", {}, expect=404)


@by_spec
def test_pages_neither_skip_nor_repeat(client: ApiClient, spec: CrudSpec[Any], kind: Kind, before: set[str]) -> None:
    made = [element["uuid"] for element in _make(client, spec, kind, 7)]
    for sort in ("uuid", *spec.listing.sorts):
        for direction, expected in (("ASCENDING", made), ("descending", made[::-1])):
            found = _new(client.all(spec.path, limit=3, sort=sort.upper(), dir=direction), before)
            if sort in {"uuid", "created", kind.key}:
                assert [element["uuid"] for element in found] == expected, (sort, direction)
            assert sorted(element["uuid"] for element in found) == made
    total = 7 + len(before)
    second = client.get(spec.path, query_string={"limit": 3, "from": made[0]})
    assert second["_metainfo"] == {"lastUuid": made[3], "perPage": 3, "totalCount": total}
    end = client.get(spec.path, query_string={"from": made[-1]})
    assert (end["data"], end["_metainfo"]) == ([], {"perPage": 25, "totalCount": total})


@by_spec
def test_a_page_behind_a_deleted_element(client: ApiClient, spec: CrudSpec[Any], kind: Kind) -> None:
    made = [element["uuid"] for element in _make(client, spec, kind, 3)]
    client.delete(f"{spec.path}/{made[1]}")
    after = client.get(spec.path, query_string={"from": made[1]})
    assert [element["uuid"] for element in after["data"]] == made[2:]
    for sort in spec.listing.sorts:
        client.get(spec.path, query_string={"from": made[1], "sort": sort}, expect=400)


@by_spec
def test_bad_list_parameters_are_named(client: ApiClient, spec: CrudSpec[Any], kind: Kind) -> None:
    for query, told in (
        ({"limit": "x"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"from": "x"}, "from"),
        ({"sort": "password_hash"}, "password_hash"),
        ({"filter": "nothing[eq]=1"}, "nothing"),
        ({"filter": f"{kind.key}[like]=1"}, "like"),
        ({"filter": kind.key}, kind.key),
        ({"filter": f"{kind.key}[eq]=\x00"}, kind.key),
        ({"filter": f"{kind.key}[range]=a_b"}, "range"),
        ({"filter[nothing][eq]": "1"}, "nothing"),
    ):
        assert told in client.get(spec.path, query_string=query, expect=400)["message"], query


@by_spec
def test_a_huge_limit_is_cut(client: ApiClient, spec: CrudSpec[Any]) -> None:
    for limit in ("1001", "9" * 30, "0" * 50 + "5000"):
        assert client.get(spec.path, query_string={"limit": limit})["_metainfo"]["perPage"] == spec.listing.most


@by_spec
def test_filters_in_every_spelling(client: ApiClient, spec: CrudSpec[Any], kind: Kind, before: set[str]) -> None:
    key = kind.key
    names = [element[key] for element in _make(client, spec, kind, 3)]

    def found(query: Any) -> list[str]:
        return [element[key] for element in _new(client.get(spec.path, query_string=query)["data"], before)]

    assert found({"filter": f"{key}[eq]={names[1]}"}) == names[1:2]
    assert found({"filter": f"{key}[ne]={names[0]},{key}[ne]={names[2]}"}) == names[1:2]
    assert found([("filter", f"{key}[ne]={names[0]}"), ("filter", f"{key}[ne]={names[1]}")]) == names[2:]
    assert found({f"filter[{key}][eq]": names[0]}) == names[:1]
    assert found({"filter": ""}) == names


@by_spec
def test_etags(client: ApiClient, spec: CrudSpec[Any], kind: Kind) -> None:
    made = client.request("POST", spec.path, kind.body(1), expect=201)
    path, etag = f"{spec.path}/{made.json['uuid']}", made.headers["ETag"]
    same = client.request("GET", path, headers={"If-None-Match": f'"other", {etag}'}, expect=304)
    assert same.headers["ETag"] == etag
    assert same.data == b""
    client.request("PATCH", path, {kind.key: kind.rename("b")}, headers={"If-Match": '"other"'}, expect=412)
    changed = client.request("PATCH", path, {kind.key: kind.rename("b")}, headers={"If-Match": etag}, expect=200)
    assert changed.headers["ETag"] != etag
    client.request("GET", path, headers={"If-None-Match": etag}, expect=200)
    client.request("DELETE", path, headers={"If-Match": etag}, expect=412)
    client.request("DELETE", path, headers={"If-Match": changed.headers["ETag"]}, expect=204)


@by_spec
def test_wrong_methods_say_which_are_right(client: ApiClient, spec: CrudSpec[Any]) -> None:
    answer = client.request("DELETE", spec.path, expect=405)
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


@by_spec
def test_slashes_heads_and_options(client: ApiClient, spec: CrudSpec[Any], kind: Kind) -> None:
    made = client.post(f"{spec.path}/", kind.body(1), expect=201)
    client.get(f"{spec.path}/{made['uuid']}/")
    assert client.request("HEAD", spec.path, expect=200).data == b""
    assert "GET" in client.anonymous().request("OPTIONS", spec.path, expect=200).headers["Allow"]


def test_every_operation_is_walked() -> None:
    assert {operation for spec in SPECS for operation in spec.operations} == set(Operation)
