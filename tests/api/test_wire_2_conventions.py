"""Section 2 of the wire contract: lists, filters, names, moments, verbs and errors, whatever the resource."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.client import ApiClient
from web.resources import SPECS

SHA = "ab" * 64
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
FILE = {"filename": "a.txt", "mimeType": "text/plain", "origin": "test", "size": 1500}


def make(client: ApiClient, number: int = 0, **file: Any) -> dict[str, Any]:
    body = {"file": {**FILE, **file}, "hashes": {"sha512": f"{number:0128x}"}}
    made: dict[str, Any] = client.post("/assets", body, expect=201)
    return made


def names(client: ApiClient, path: str, query: Any) -> list[str]:
    return [
        element.get("name") or element["file"]["filename"] for element in client.get(path, query_string=query)["data"]
    ]


def test_2_1_an_empty_page_has_data_and_no_last_uuid(client: ApiClient) -> None:
    for spec in SPECS:
        page = client.get(spec.path, query_string={"from": str(UUID(int=2**128 - 1))})
        assert page["data"] == []
        assert set(page) == {"data", "_metainfo"}
        assert set(page["_metainfo"]) == {"perPage", "totalCount"}


def test_2_2_unknown_keys_and_values_of_a_list_are_named(client: ApiClient) -> None:
    for query in ({"limit": "ten"}, {"sort": "nothing"}, {"sort": "firstname"}, {"from": "x"}):
        assert next(iter(query)) in client.get("/groups", query_string=query, expect=400)["message"]
    assert client.get("/groups", query_string={"nothing": "1"})


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/assets", "uuid name created edited sha512 md5"),
        ("/users", "uuid username firstname lastname email created edited"),
        ("/tags", "uuid name collection created edited"),
        *((path, "uuid name created edited") for path in ("/groups", "/roles", "/libraries", "/collections", "/pools")),
    ],
)
def test_2_2_sort_keys_in_any_case_and_both_directions(
    client: ApiClient, tmp_path: Path, path: str, keys: str
) -> None:  # fmt: skip
    _make_three(client, path, tmp_path)
    for key in keys.split():
        ascending = _order(client, path, key, "ASCENDING")
        assert len(ascending) >= 3
        assert _order(client, path, key.upper(), "x") == ascending
        for direction in ("DESCENDING", "desc", "Descending"):
            assert _order(client, path, key.upper(), direction) == ascending[::-1]


def _make_three(client: ApiClient, path: str, folder: Path) -> None:
    for number in (2, 1, 3):
        if path == "/assets":
            make(client, number)
        elif path == "/users":
            client.post(path, {"username": f"user{number}", "password": "not to be guessed"}, expect=201)
        elif path == "/pools":
            place = folder / str(number)
            place.mkdir()
            client.post(path, {"name": f"n{number}", "fsPath": str(place)}, expect=201)
        else:
            client.post(path, {"name": f"n{number}"}, expect=201)


def _order(client: ApiClient, path: str, key: str, direction: str) -> list[str]:
    return [element["uuid"] for element in client.get(path, query_string={"sort": key, "dir": direction})["data"]]


def test_2_2_assets_are_sorted_by_md5_and_those_without_come_first(client: ApiClient) -> None:
    made = [make(client, number) for number in range(3)]
    for asset, md5 in zip(made, ("bb" * 16, None, "aa" * 16), strict=True):
        client.patch(f"/assets/{asset['uuid']}", {"hashes": {"md5": md5}})
    expected = [made[number]["uuid"] for number in (1, 2, 0)]
    assert [asset["uuid"] for asset in client.all("/assets", sort="md5", limit=1)] == expected
    assert [asset["uuid"] for asset in client.all("/assets", sort="md5", limit=1, dir="desc")] == expected[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "size[gte]=1KB,name[ne]=c"}, [("filter", "size[gte]=1KB"), ("filter", "name[ne]=c")],
        {"filter[size][gte]": "1KB", "filter[name][ne]": "c"}, {"filter": "size[gte]=1 kB,name[eq]=b"},
        {"filter": "size[range]=1000_1MB,name[ne]=c"}, {"filter": "size[range]=1KB-1MiB,name[eq]=b"},
    ],
)  # fmt: skip
def test_2_3_filters_in_all_spellings_and_ranges_with_both_separators(client: ApiClient, query: Any) -> None:
    for number, (name, size) in enumerate((("a", 10), ("b", 2000), ("c", 3000))):
        make(client, number, filename=name, size=size)
    assert names(client, "/assets", query) == ["b"]


def test_2_3_numbers_times_and_truth_values_as_operands(client: ApiClient) -> None:
    for name, priority, enabled in (("p", -5, True), ("q", 0, False), ("r", 9, True)):
        client.post("/pipelines", {"name": name, "priority": priority, "enabled": enabled}, expect=201)
    for term, expected in (
        ("priority[range]=-7_0", "pq"), ("priority[range]=0-9", "qr"), ("priority[eq]=-5", "p"),
        ("enabled[eq]=true", "pr"), ("dry_run[ne]=true", "pqr"), ("created[after]=2020-01-01T00:00:00.5Z", "pqr"),
        ("created[range]=2020-01-01T00:00:00Z_2020-01-02T00:00:00Z", ""), ("edited[lte]=2020-01-01", ""),
    ):  # fmt: skip
        assert "".join(names(client, "/pipelines", {"filter": term})) == expected, term
    for bad in ("created[range]=2020-01-01-2020-01-02", "enabled[eq]=1", "priority[range]=1", "name[gte]=a"):
        client.get("/pipelines", query_string={"filter": bad}, expect=400)


def test_2_3_creator_editor_and_uuid_on_every_list(client: ApiClient) -> None:
    me, made = client.get("/me")["uuid"], make(client)
    for path in (*(spec.path for spec in SPECS), "/assets", "/tasks", "/reactions"):
        for key in ("creator", "editor", "uuid"):
            assert client.get(path, query_string={"filter": f"{key}[eq]={UUID(int=1)}"})["data"] == []
            client.get(path, query_string={"filter": f"{key}[eq]=me"}, expect=400)
    query = {"filter": f"creator[eq]={me},editor[eq]={me},uuid[eq]={made['uuid']}"}
    assert client.get("/assets", query_string=query)["_metainfo"]["totalCount"] == 1


def test_2_4_no_null_goes_out_and_empty_arrays_do(client: ApiClient) -> None:
    asset = make(client)
    on = f"/assets/{asset['uuid']}"
    note = client.post(f"{on}/annotations", {"type": "FEEDBACK", "title": "t"}, expect=201)
    assert note["comments"] == client.get(f"/annotations/{note['uuid']}")["comments"] == []
    assert client.patch(f"/annotations/{note['uuid']}", {"title": "u"})["comments"] == []
    assert client.post("/roles", {"name": "r"}, expect=201)["permissions"] == []
    assert client.post("/libraries", {"name": "l"}, expect=201)["poolUuids"] == []
    assert client.post("/webhooks", {"url": "https://example.org"}, expect=201)["triggers"] == []
    lists = ("locations", "tags", "annotations", "collections", "embeddings", "geoComponents", "documentComponents")
    assert all(asset[name] == [] for name in lists)
    for path in (*(spec.path for spec in SPECS), "/assets", "/tasks"):
        assert b"null" not in client.request("GET", path, expect=200).data


def test_2_4_numbers_and_truth_values_are_always_sent(client: ApiClient) -> None:
    pipeline = client.post("/pipelines", {"name": "p"}, expect=201)
    assert {"enabled": True, "dryRun": False, "priority": 0}.items() <= pipeline.items()
    asset = client.post("/assets", {"sha512": SHA, "filename": "a"}, expect=201)
    assert asset["file"]["size"] == 0
    assert asset["social"] == {"rating": {"upVotes": 0, "downVotes": 0}, "reactions": {}}
    assert client.get("/me")["enabled"] is True


def test_2_4_uuids_and_hashes_in_either_case_in_and_lower_case_out(client: ApiClient) -> None:
    asset = client.post("/assets", {"sha512": SHA.upper(), "filename": "a"}, expect=201)
    assert asset["hashes"]["sha512"] == SHA
    assert client.get(f"/assets/{asset['uuid'].upper()}")["uuid"] == asset["uuid"]
    client.get("/assets/00000000-0000-1000-8000-000000000000", expect=404)
    client.get("/assets/no-uuid", expect=400)


def test_2_5_moments_go_out_in_whole_seconds_and_fractions_come_in(client: ApiClient) -> None:
    token = client.post("/tokens", {"name": "t", "expires": "2040-01-01T00:00:00.75+01:00"}, expect=201)
    assert token["expires"] == "2039-12-31T23:00:00Z"
    asset = make(client)
    for moment in (asset["file"]["firstSeen"], asset["status"]["created"], asset["status"]["edited"]):
        assert INSTANT.fullmatch(moment)
    tagged = client.post(f"/assets/{asset['uuid']}/tags", {"name": "t"}, expect=201)
    assert isinstance(tagged["attached"], float)


def test_2_6_the_audit_block_names_users(client: ApiClient) -> None:
    me = client.get("/me")
    status = make(client)["status"]
    assert status["creator"] == status["editor"] == {"uuid": me["uuid"], "name": "admin"}
    assert set(status) == {"creator", "created", "editor", "edited"}


def test_2_7_what_a_client_sends_unasked_changes_nothing(client: ApiClient) -> None:
    asset = make(client)
    path = f"/assets/{asset['uuid']}"
    client.post(f"{path}/tags", {"name": "t"}, expect=201)
    unasked: dict[str, Any] = {"tags": [], "timeline": [], "file": {"size": 0}, "hashes": {}, "geo": None, "meta": None}
    changed = client.post(path, unasked)
    assert (changed["file"]["size"], len(changed["tags"])) == (1500, 1)
    assert changed["status"]["edited"] >= asset["status"]["edited"]


@pytest.mark.parametrize("left_out", ["file", "hashes", "tags", "meta"])
@pytest.mark.parametrize("by", ["uuid", "sha512"])
def test_2_7_put_of_an_asset_names_what_is_missing_but_not_what_is_exempt(
    client: ApiClient, left_out: str, by: str
) -> None:
    asset = make(client)
    path = f"/assets/{asset['uuid']}" if by == "uuid" else f"/assets/sha512/{asset['hashes']['sha512']}"
    whole: dict[str, Any] = {"file": {"filename": "b"}, "hashes": {}, "tags": [], "meta": None}
    assert client.request("PUT", path, whole, expect=200).json["file"]["filename"] == "b"
    del whole[left_out]
    told = client.request("PUT", path, whole, expect=400).json["message"]
    assert told.startswith(f"{left_out}: Missing data")
    assert ";" not in told


def test_2_7_put_clears_by_null(client: ApiClient) -> None:
    body = {"sha512": SHA, "filename": "a", "fingerprint": {"fingerprintV1": "f"}, "consistency": {"zeroChunkCount": 0}}
    asset = client.post("/assets", body, expect=201)
    assert (asset["fingerprint"], asset["consistency"]) == ({"fingerprintV1": "f"}, {"zeroChunkCount": 0})
    whole: dict[str, Any] = {"file": {}, "hashes": {}, "tags": [], "meta": {}, "fingerprint": None}
    replaced = client.request("PUT", f"/assets/{asset['uuid']}", whole, expect=200).json
    assert "fingerprint" not in replaced
    assert replaced["consistency"] == {"zeroChunkCount": 0}
    user = client.post("/users", {"username": "u", "firstname": "U", "email": "u@example.org"}, expect=201)
    names: dict[str, Any] = {
        "username": "v",
        "firstname": None,
        "lastname": None,
        "email": None,
        "enabled": True,
        "meta": {},
    }
    assert "firstname" not in client.request("PUT", f"/users/{user['uuid']}", names, expect=200).json
    del names["email"]
    assert client.request("PUT", f"/users/{user['uuid']}", names, expect=400).json["message"].startswith("email")


def test_2_7_empty_permissions_revoke_all_and_none_do_not(client: ApiClient) -> None:
    role = client.post("/roles", {"name": "r", "permissions": ["READ_TAG", "READ_ASSET"]}, expect=201)
    path = f"/roles/{role['uuid']}"
    assert client.post(path, {"name": "s"})["permissions"] == ["READ_ASSET", "READ_TAG"]
    assert client.post(path, {"permissions": ["READ_TAG"]})["permissions"] == ["READ_TAG"]
    assert client.post(path, {"permissions": []})["permissions"] == []


@pytest.mark.parametrize("holder", ["collections", "libraries"])
def test_2_7_add_to_a_set_answers_201_then_200(client: ApiClient, holder: str) -> None:
    asset = make(client)["uuid"]
    made = client.post(f"/{holder}", {"name": "x"}, expect=201)
    path = f"/{holder}/{made['uuid']}/assets"
    for status in (201, 200):
        assert client.post(path, {"assetUuid": asset}, expect=status)["uuid"] == made["uuid"]
    client.delete(f"{path}/{asset}")


def test_2_8_errors_hold_their_status_and_are_json(client: ApiClient) -> None:
    made = client.post("/groups", {"name": "g"}, expect=201)
    for method, path, body, status in (
        ("POST", "/groups", {}, 400), ("POST", "/groups", {"name": "g"}, 409), ("GET", "/groups/x", None, 400),
        ("GET", f"/groups/{UUID(int=1)}", None, 404), ("GET", "/nothing", None, 404), ("POST", "/groups", b"{", 415),
        ("POST", f"/assets/{UUID(int=1)}/reactions", {"type": "LIKE"}, 404),
    ):  # fmt: skip
        answer = client.request(method, path, body, expect=status)
        assert answer.content_type == "application/json"
        assert {"message", "statusCode", "traceId"} <= set(answer.json)
    for caller in (client.anonymous(), ApiClient(client.app, "x.y.z")):
        answer = caller.request("GET", f"/groups/{made['uuid']}", expect=401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_2_8_what_shows_more_than_a_row_has_a_new_etag(client: ApiClient) -> None:
    on = f"/assets/{make(client)['uuid']}"
    note = client.post(f"{on}/annotations", {"type": "FEEDBACK", "title": "t"}, expect=201)
    comment = client.post(f"/annotations/{note['uuid']}/comments", {"text": "x"}, expect=201)
    note_path, path = f"/annotations/{note['uuid']}", f"/comments/{comment['uuid']}"
    before = {each: client.request("GET", each).headers["ETag"] for each in (note_path, path)}
    client.post(f"{path}/reactions", {"type": "LIKE"}, expect=201)
    for each, etag in before.items():
        client.request("GET", each, headers={"If-None-Match": etag}, expect=200)
        client.request("PATCH", each, {"meta": {"a": 1}}, headers={"If-Match": etag}, expect=200)
        client.request("PATCH", each, {"meta": {"a": 2}}, headers={"If-Match": etag}, expect=412)
    assert client.get(path)["social"]["reactions"] == {"LIKE": 1}
