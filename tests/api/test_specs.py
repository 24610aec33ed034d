"""What must hold of every plain resource, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
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
class Label:
    """The text of its elements by which a resource can be filtered, and which can be changed: mostly the name."""

    key: str = "name"
    path: str = ""
    """Where it stands in a body, with dots, if not under the key itself."""

    def of(self, element: Any) -> Any:
        for part in (self.path or self.key).split("."):
            element = element[part]
        return element

    def change(self, value: str) -> dict[str, Any]:
        change: Any = value
        for part in reversed((self.path or self.key).split(".")):
            change = {part: change}
        return dict(change)


LABELS = {
    "/asset-components": Label("source"),
    "/embeddings": Label("source"),
}


@pytest.fixture
def label(spec: CrudSpec[Any]) -> Label:
    return LABELS.get(spec.path, Label())


@pytest.fixture
def body(spec: CrudSpec[Any], client: ApiClient, tmp_path: Path) -> Bodies:
    """Bodies to create elements from; every spec needs a line here."""

    def pool(number: int) -> dict[str, Any]:
        folder = tmp_path / f"pool-{number}"
        folder.mkdir(exist_ok=True)
        return {"name": f"pool {number:02}", "fsPath": str(folder)}

    @cache
    def asset() -> str:
        return str(client.post("/assets", {"sha512": "ab" * 64, "filename": "a"}, expect=201)["uuid"])

    makers: dict[str, Bodies] = {
        "/tokens": lambda number: {"name": f"token {number:02}"},
        "/asset-pools": pool,
        "/asset-components": lambda number: {
            "assetUuid": asset(), "type": "IMAGE", "source": f"camera {number:02}", "image": {"width": number},
        },
        "/embeddings": lambda number: {
            "assetUuid": asset(), "source": f"model {number:02}", "frameNumber": number, "vector": [0.1, number],
        },
    }  # fmt: skip
    return makers[spec.path]


def _make(client: ApiClient, spec: CrudSpec[Any], body: Bodies, count: int) -> list[dict[str, Any]]:
    return [client.post(spec.path, body(number), expect=201) for number in range(count)]


@by_spec
def test_life_of_an_element(client: ApiClient, spec: CrudSpec[Any], body: Bodies, label: Label) -> None:
    assert client.get(spec.path)["data"] == []
    made = client.post(spec.path, {**body(1), "meta": {"a": [1, None, "ä"]}, "unknown": 1}, expect=201)
    path = f"{spec.path}/{made['uuid']}"
    assert made["meta"] == {"a": [1, None, "ä"]}
    assert made["status"]["creator"]["name"] == made["status"]["editor"]["name"] == "admin"
    client.post(spec.path, body(1), expect=409)
    loaded = client.get(path)
    volatile = {"freeSpace", "token"}
    assert {key: loaded[key] for key in loaded.keys() - volatile} == {key: made[key] for key in made.keys() - volatile}
    assert client.get(spec.path)["data"][0]["uuid"] == made["uuid"]
    assert label.of(client.post(path, {**label.change("other"), "meta": None})) == "other"
    changed = client.patch(path, {"meta": {}})
    assert (label.of(changed), changed["meta"]) == ("other", {})
    client.delete(path)
    client.get(path, expect=404)
    client.delete(path, expect=404)
    client.patch(path, label.change("x"), expect=404)


@by_spec
def test_every_change_is_an_event(
    client: ApiClient, platform: Platform, spec: CrudSpec[Any], body: Bodies, label: Label
) -> None:
    made = client.post(spec.path, body(1), expect=201)
    for _ in range(2):
        client.patch(f"{spec.path}/{made['uuid']}", label.change("other"))
    client.delete(f"{spec.path}/{made['uuid']}")
    with platform.unit_of_work() as uow:
        rows = uow.fetch("SELECT type FROM event WHERE subject_id = %(id)s ORDER BY id", id=made["uuid"])
    assert [row[0] for row in rows] == [spec.resource.created, spec.resource.updated, spec.resource.deleted]


@by_spec
def test_nobody_gets_in_without_a_token(client: ApiClient, spec: CrudSpec[Any], body: Bodies) -> None:
    made = client.post(spec.path, body(1), expect=201)
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
@pytest.mark.parametrize("key", ["1", "x" * 36, "0" * 32, "%00", "..", "01920000-0000-7000-8000-00000000000g"])
def test_what_is_no_uuid_is_a_bad_request(client: ApiClient, spec: CrudSpec[Any], key: str) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        client.request(method, f"{spec.path}/{key}", {}, expect=400)


@by_spec
def test_an_unknown_element_is_not_found(client: ApiClient, spec: CrudSpec[Any]) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        client.request(method, f"{spec.path}/{uuid4()}", {}, expect=404)


@by_spec
def test_pages_neither_skip_nor_repeat(client: ApiClient, spec: CrudSpec[Any], body: Bodies) -> None:
    made = [element["uuid"] for element in _make(client, spec, body, 7)]
    for sort in ("uuid", *spec.listing.sorts):
        for direction, expected in (("ASCENDING", made), ("descending", made[::-1])):
            found = client.all(spec.path, limit=3, sort=sort.upper(), dir=direction)
            assert [element["uuid"] for element in found] == expected, (sort, direction)
    first = client.get(spec.path, query_string={"limit": 3})
    assert first["_metainfo"] == {"lastUuid": made[2], "perPage": 3, "totalCount": 7}
    end = client.get(spec.path, query_string={"from": made[-1]})
    assert (end["data"], end["_metainfo"]) == ([], {"perPage": 25, "totalCount": 7})


@by_spec
def test_a_page_behind_a_deleted_element(client: ApiClient, spec: CrudSpec[Any], body: Bodies) -> None:
    made = [element["uuid"] for element in _make(client, spec, body, 3)]
    client.delete(f"{spec.path}/{made[1]}")
    after = client.get(spec.path, query_string={"from": made[1]})
    assert [element["uuid"] for element in after["data"]] == made[2:]
    for sort in spec.listing.sorts:
        client.get(spec.path, query_string={"from": made[1], "sort": sort}, expect=400)


@by_spec
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"limit": "x"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"from": "x"}, "from"),
        ({"sort": "password_hash"}, "password_hash"),
        ({"filter": "nothing[eq]=1"}, "nothing"),
        ({"filter": "LABEL[like]=1"}, "like"),
        ({"filter": "LABEL"}, "LABEL"),
        ({"filter": "LABEL[eq]=\x00"}, "LABEL"),
        ({"filter": "LABEL[range]=a_b"}, "range"),
        ({"filter[nothing][eq]": "1"}, "nothing"),
    ],
)
def test_bad_list_parameters_are_named(
    client: ApiClient, spec: CrudSpec[Any], label: Label, query: dict[str, str], told: str
) -> None:
    query = {name: value.replace("LABEL", label.key) for name, value in query.items()}
    told = told.replace("LABEL", label.key)
    assert told in client.get(spec.path, query_string=query, expect=400)["message"]


@by_spec
def test_a_huge_limit_is_cut(client: ApiClient, spec: CrudSpec[Any]) -> None:
    for limit in ("1001", "9" * 30, "0" * 50 + "5000"):
        assert client.get(spec.path, query_string={"limit": limit})["_metainfo"]["perPage"] == spec.listing.most


@by_spec
def test_filters_in_every_spelling(client: ApiClient, spec: CrudSpec[Any], body: Bodies, label: Label) -> None:
    names = [label.of(element) for element in _make(client, spec, body, 3)]
    key = label.key

    def found(query: Any) -> list[str]:
        return [label.of(element) for element in client.get(spec.path, query_string=query)["data"]]

    assert found({"filter": f"{key}[eq]={names[1]}"}) == names[1:2]
    assert found({"filter": f"{key}[ne]={names[0]},{key}[ne]={names[2]}"}) == names[1:2]
    assert found([("filter", f"{key}[ne]={names[0]}"), ("filter", f"{key}[ne]={names[1]}")]) == names[2:]
    assert found({f"filter[{key}][eq]": names[0]}) == names[:1]
    assert found({"filter": ""}) == names


@by_spec
def test_etags(client: ApiClient, spec: CrudSpec[Any], body: Bodies, label: Label) -> None:
    made = client.request("POST", spec.path, body(1), expect=201)
    path, etag = f"{spec.path}/{made.json['uuid']}", made.headers["ETag"]
    same = client.request("GET", path, headers={"If-None-Match": f'"other", {etag}'}, expect=304)
    assert same.headers["ETag"] == etag
    assert same.data == b""
    client.request("PATCH", path, label.change("b"), headers={"If-Match": '"other"'}, expect=412)
    changed = client.request("PATCH", path, label.change("b"), headers={"If-Match": etag}, expect=200)
    assert changed.headers["ETag"] != etag
    client.request("GET", path, headers={"If-None-Match": etag}, expect=200)
    client.request("DELETE", path, headers={"If-Match": etag}, expect=412)
    client.request("DELETE", path, headers={"If-Match": changed.headers["ETag"]}, expect=204)


@by_spec
def test_wrong_methods_say_which_are_right(client: ApiClient, spec: CrudSpec[Any]) -> None:
    answer = client.request("DELETE", spec.path, expect=405)
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


@by_spec
def test_slashes_heads_and_options(client: ApiClient, spec: CrudSpec[Any], body: Bodies) -> None:
    made = client.post(f"{spec.path}/", body(1), expect=201)
    client.get(f"{spec.path}/{made['uuid']}/")
    assert client.request("HEAD", spec.path, expect=200).data == b""
    assert "GET" in client.anonymous().request("OPTIONS", spec.path, expect=200).headers["Allow"]


def test_every_operation_is_walked() -> None:
    assert {operation for spec in SPECS for operation in spec.operations} == set(Operation)
