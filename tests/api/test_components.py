"""Asset components: payloads of every type, flat and under their assets. The plain part is in test_specs.py."""

from __future__ import annotations

from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from models.entities import Component, ComponentType
from models.permissions import Actor, Permission, Verb
from models.services.assets import get_asset
from models.services.components import put_component
from models.wiring import Platform
from tests.support.assets import put_in_library, sha512_of
from tests.support.client import ApiClient
from tests.support.crowds import crowd
from tests.support.people import make_space, make_user, sign_in
from tests.support.waiting import wait_until

PAYLOADS: dict[str, tuple[str, dict[str, Any]]] = {
    "GEO": ("geo", {"lon": -9.18, "lat": 38.7, "alias": "Lisbon", "accuracyM": 5.5}),
    "IMAGE": ("image", {
        "dominantColor": "#2a9D8f", "width": 640, "height": 480, "orientation": 6, "bitDepth": 8, "encoding": "jpeg",
    }),
    "VIDEO": ("video", {
        "bitrate": 5_000_000, "encoding": "h264", "width": 1920, "height": 1080, "duration": 61_000, "fps": 29.97,
        "frameCount": 1828, "rotation": 90,
    }),
    "AUDIO": ("audio", {
        "lang": "pt", "trackTitle": "Fado", "isDefault": True, "channels": 2, "encoding": "aac", "bitrate": 128_000,
        "samplingRate": 44_100, "bpm": 92.5, "duration": 183_000,
    }),
    "DOC": ("document", {"wordCount": 2, "plainText": "Olá\nmundo", "pageCount": 1, "textLang": "pt"}),
    "TRANSCRIPT": ("transcript", {
        "lang": "pt", "transcriptText": "olá", "duration": 900, "model": "large", "transcriptJson": {"words": [1, [2]]},
    }),
    "JSON": ("json", {"schemaType": "faces", "variant": "v2", "data": {"a": {"b": [None, 1.5]}}}),
}  # fmt: skip
IMAGE = {"type": "IMAGE", "image": {"width": 1, "height": 2}}


def make_asset(client: ApiClient, name: str = "a") -> str:
    made = client.post("/assets", {"sha512": sha512_of(name.encode()), "filename": name}, expect=201)
    return str(made["uuid"])


@pytest.fixture
def asset(client: ApiClient) -> str:
    return make_asset(client)


@pytest.fixture
def path(asset: str) -> str:
    return f"/assets/{asset}/components"


@pytest.mark.parametrize("kind", PAYLOADS)
def test_a_component_of_each_type(client: ApiClient, path: str, asset: str, kind: str) -> None:
    key, payload = PAYLOADS[kind]
    said = {
        "source": "probe", "nodeId": "n-1", "producerVersion": "1.2", "confidence": 0.5, "method": "exif",
        "timeFrom": 5, "streamIndex": 0, "pageNumber": 3, "meta": {"a": 1},
    }  # fmt: skip
    made = client.post(path, {**said, "type": kind, key: {**payload, "unknown": 1, "source": None}}, expect=201)
    assert {name: made[name] for name in said} == said
    assert (made["type"], made["assetUuid"], made[key]) == (kind, asset, {**payload, "source": "probe"})
    assert made.keys() & {other for other, _ in PAYLOADS.values()} == {key}
    assert client.get(f"/asset-components/{made['uuid']}") == client.get(f"{path}/{made['uuid']}") == made
    assert client.get(path)["data"] == client.get("/asset-components")["data"] == [made]


def test_an_asset_shows_its_components(client: ApiClient, asset: str, path: str) -> None:
    for kind, (key, payload) in PAYLOADS.items():
        client.post(path, {"type": kind, key: payload}, expect=201)
    client.post(path, {"type": "VIDEO", "source": "other", "video": {"width": 7}}, expect=201)
    shown = client.get(f"/assets/{asset}")
    assert shown["videoComponents"] == [PAYLOADS["VIDEO"][1], {"width": 7, "source": "other"}]
    assert shown["image"] == PAYLOADS["IMAGE"][1]
    assert shown["geoComponents"] == [PAYLOADS["GEO"][1]]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "type"),
        ({"type": "PICTURE", "image": {}}, "type"),
        ({"type": "IMAGE"}, "image: Missing"),
        ({"type": "IMAGE", "image": None}, "image: Missing"),
        ({"type": "IMAGE", "video": {"width": 1}}, "video"),
        ({"type": "IMAGE", "image": {}, "video": {}}, "video"),
        ({"type": "DOC", "doc": {}}, "document: Missing"),
        ({"type": "IMAGE", "image": []}, "image"),
        ({"type": "IMAGE", "image": {"width": "1"}}, "image.width"),
        ({"type": "IMAGE", "image": {"width": 1.5}}, "image.width"),
        ({"type": "IMAGE", "image": {"width": -1}}, "image.width"),
        ({"type": "IMAGE", "image": {"width": 2**63}}, "image.width"),
        ({"type": "IMAGE", "image": {"width": True}}, "image.width"),
        ({"type": "IMAGE", "image": {"dominantColor": "red"}}, "image.dominantColor"),
        ({"type": "IMAGE", "image": {"dominantColor": "#12345\n"}}, "image.dominantColor"),
        ({"type": "IMAGE", "image": {"orientation": 9}}, "image.orientation"),
        ({"type": "IMAGE", "image": {"encoding": "a\x00"}}, "image.encoding"),
        ({"type": "VIDEO", "video": {"rotation": 45}}, "video.rotation"),
        ({"type": "VIDEO", "video": {"fps": "25"}}, "video.fps"),
        ({"type": "GEO", "geo": {"lat": 91}}, "geo.lat"),
        ({"type": "GEO", "geo": {"lon": True}}, "geo.lon"),
        ({"type": "AUDIO", "audio": {"isDefault": "perhaps"}}, "audio.isDefault"),
        ({"type": "JSON", "json": {"data": [1]}}, "json.data"),
        ({**IMAGE, "confidence": 1.1}, "confidence"),
        ({**IMAGE, "timeFrom": -1}, "timeFrom"),
        ({**IMAGE, "source": "s" * 129}, "source"),
        ({**IMAGE, "meta": []}, "meta"),
    ],
)
def test_what_is_wrong_is_named(client: ApiClient, asset: str, path: str, body: dict[str, Any], told: str) -> None:
    for where, more in ((path, {}), ("/asset-components", {"assetUuid": asset})):
        assert told in client.post(where, {**body, **more}, expect=400)["message"]
    assert client.get("/asset-components")["data"] == []


def test_numbers_that_are_none_are_refused(client: ApiClient, path: str) -> None:
    for number in (b"NaN", b"1e999", b"-Infinity"):
        body = b'{"type": "GEO", "geo": {"lat": ' + number + b"}}"
        client.request("POST", path, body, headers={"Content-Type": "application/json"}, expect=400)


def test_putting_the_same_again_changes_nothing(client: ApiClient, platform: Platform, path: str) -> None:
    body = {**IMAGE, "source": "exif", "nodeId": "n", "timeFrom": 1}
    first = client.request("POST", path, {**body, "meta": {"by": "hand"}}, expect=201)
    again = client.request("POST", path, body, expect=200)
    assert (again.json, again.headers["ETag"]) == (first.json, first.headers["ETag"])
    replaced = client.post(path, {**body, "image": {"width": 9}, "producerVersion": "2"})
    assert replaced == {
        **first.json, "image": {"width": 9, "source": "exif"}, "producerVersion": "2", "status": replaced["status"],
    }  # fmt: skip
    with platform.unit_of_work() as uow:
        rows = uow.fetch("SELECT count(*) FROM event WHERE type = 'asset.updated'")
    assert rows[0][0] == 2


@pytest.mark.parametrize(
    "other",
    [
        {"source": "xmp"}, {"nodeId": "m"}, {"timeFrom": 0}, {"streamIndex": 0}, {"pageNumber": 0},
        {"image": {"source": "xmp"}}, {"type": "VIDEO", "image": None, "video": {}},
    ],
)  # fmt: skip
def test_producer_and_place_tell_components_apart(client: ApiClient, path: str, other: dict[str, Any]) -> None:
    client.post(path, IMAGE, expect=201)
    client.post(path, {**IMAGE, **other}, expect=201)
    client.post(path, {**IMAGE, **other}, expect=200)
    assert client.get(path)["_metainfo"]["totalCount"] == 2


def test_json_is_told_apart_by_schema_and_variant(client: ApiClient, path: str) -> None:
    told = [{}, {"schemaType": "a"}, {"variant": "a"}, {"schemaType": "a", "variant": "b"}, {"schemaType": "a,b"}]
    for each in told:
        client.post(path, {"type": "JSON", "json": {**each, "data": {}}}, expect=201)
        client.post(path, {"type": "JSON", "json": {**each, "data": {"n": 1}}}, expect=200)
    assert client.get(path)["_metainfo"]["totalCount"] == len(told)


def test_the_longest_keys_fit_into_the_index(client: ApiClient, path: str) -> None:
    # Random letters of four bytes each: nothing that could be compressed.
    key = "".join(chr(0x10000 + (number * 7919) % 40_000) for number in range(128))
    body = {
        "type": "JSON", "source": key, "nodeId": key[::-1], "json": {"schemaType": key[5:] + key[:5], "variant": key},
    }  # fmt: skip
    client.post(path, body, expect=201)
    client.post(path, body, expect=200)


def test_a_change_of_a_payload_is_partial(client: ApiClient, path: str) -> None:
    made = client.post(path, {**IMAGE, "source": "exif", "meta": {"a": 1}}, expect=201)
    element = f"{path}/{made['uuid']}"
    changed = client.patch(element, {"image": {"width": 5, "height": None}, "unknown": 1})
    assert changed["image"] == {"width": 5, "height": 2, "source": "exif"}
    assert client.post(element, {"image": {"source": "xmp"}})["source"] == "xmp"
    assert client.patch(f"/asset-components/{made['uuid']}", {"source": "iptc"})["image"]["source"] == "iptc"
    assert "video" in client.patch(element, {"video": {"width": 1}}, expect=400)["message"]
    assert client.get(element)["meta"] == {"a": 1}


def test_a_replacement_of_a_payload_is_whole(client: ApiClient, path: str) -> None:
    made = client.post(path, {**IMAGE, "source": "exif", "meta": {"a": 1}}, expect=201)
    element = f"{path}/{made['uuid']}"
    refused = client.request("PUT", element, {"image": {"width": 5}}, expect=400).json["message"]
    assert "source" in refused
    assert "meta" in refused
    assert "image" in client.request("PUT", element, {"source": None, "meta": None}, expect=400).json["message"]
    replaced = client.request("PUT", element, {"source": None, "meta": None, "image": {"width": 5}}, expect=200).json
    assert (replaced["image"], replaced["meta"]) == ({"width": 5}, {})
    assert "source" not in replaced


def test_a_change_into_another_one_is_a_conflict(client: ApiClient, path: str) -> None:
    client.post(path, {**IMAGE, "source": "a"}, expect=201)
    made = client.post(path, {**IMAGE, "source": "b"}, expect=201)
    client.patch(f"{path}/{made['uuid']}", {"source": "a"}, expect=409)


def test_one_asset_has_not_the_components_of_another(client: ApiClient, asset: str, path: str) -> None:
    made = client.post(path, IMAGE, expect=201)
    other = f"/assets/{make_asset(client, 'other')}/components"
    for method in ("GET", "POST", "PATCH", "DELETE"):
        client.request(method, f"{other}/{made['uuid']}", {}, expect=404)
    client.request("PUT", f"{other}/{made['uuid']}", {"source": None, "meta": None, "image": {}}, expect=404)
    assert client.get(other)["data"] == []
    assert client.get("/asset-components", query_string={"filter": f"asset[eq]={asset}"})["data"] == [made]
    nowhere = f"/assets/{uuid4()}/components"
    client.get(nowhere, expect=404)
    client.post(nowhere, IMAGE, expect=404)
    assert "assetUuid" in client.post("/asset-components", {**IMAGE, "assetUuid": str(uuid4())}, expect=400)["message"]


def test_conditions_hold_under_an_asset_too(client: ApiClient, path: str) -> None:
    made = client.request("POST", path, IMAGE, expect=201)
    element, etag = f"{path}/{made.json['uuid']}", made.headers["ETag"]
    client.request("GET", element, headers={"If-None-Match": etag}, expect=304)
    client.request("DELETE", element, headers={"If-Match": '"9"'}, expect=412)
    client.request("DELETE", element, headers={"If-Match": etag}, expect=204)
    client.get(element, expect=404)


def test_components_go_with_their_asset(client: ApiClient, asset: str, path: str) -> None:
    made = client.post(path, IMAGE, expect=201)
    client.delete(f"/assets/{asset}")
    client.get(f"/asset-components/{made['uuid']}", expect=404)


def test_fifty_clients_that_put_the_same_leave_one(client: ApiClient, path: str) -> None:
    statuses = crowd(lambda number: client.request("POST", path, {**IMAGE, "image": {"width": number}}).status_code)
    assert statuses == {201: 1, 200: 49}
    assert client.get(path)["_metainfo"]["totalCount"] == 1


def test_who_has_locked_the_asset_and_who_has_not_never_wait_for_each_other(
    client: ApiClient, platform: Platform, actor: Actor, asset: str, path: str
) -> None:
    """Both put the same component; one of them has locked the asset before, as an update of it does."""
    answers: list[int] = []
    thread = Thread(target=lambda: answers.append(client.request("POST", path, {**IMAGE, "source": "x"}).status_code))
    with platform.unit_of_work() as uow:
        get_asset(uow, actor, UUID(asset), Verb.UPDATE, lock=True)
        thread.start()
        wait_until(lambda: is_anybody_waiting(platform))
        values = {"type": ComponentType.IMAGE, "source": "x", "payload": {"width": 9}}
        _, is_new = put_component(uow, actor, UUID(asset), values)
        uow.commit()
    thread.join()
    assert (is_new, answers) == (True, [200])
    assert client.get(path)["data"][0]["image"] == {"width": 1, "height": 2, "source": "x"}


def is_anybody_waiting(platform: Platform) -> bool:
    """Tell whether a statement waits for a lock."""
    with platform.reading() as uow:
        rows = uow.fetch("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND state = 'active'")
    return bool(rows)


def test_removing_and_putting_at_the_same_time(client: ApiClient, path: str) -> None:
    made = client.post(path, IMAGE, expect=201)

    def act(number: int) -> int:
        if number % 2:
            return client.request("POST", path, IMAGE).status_code
        found = client.get(path)["data"]
        return client.request("DELETE", f"{path}/{found[0]['uuid'] if found else made['uuid']}").status_code

    assert set(crowd(act, 30)) <= {200, 201, 204, 404}


def test_components_go_by_the_permissions_of_their_assets(client: ApiClient, platform: Platform, actor: Actor) -> None:
    mine, other = make_asset(client), make_asset(client, "other")
    library = put_in_library(platform, actor, mine)
    seen, hidden = (client.post(f"/assets/{it}/components", IMAGE, expect=201) for it in (mine, other))
    make_user(platform, "reader", scoped=[(Permission.READ_ASSET, "library", library)])
    make_user(platform, "writer", [Permission.READ_ASSET], scoped=[(Permission.UPDATE_ASSET, "library", library)])
    reader, writer = sign_in(client.app, "reader"), sign_in(client.app, "writer")
    page = reader.get("/asset-components")
    assert ([it["uuid"] for it in page["data"]], page["_metainfo"]["totalCount"]) == ([seen["uuid"]], 1)
    reader.get(f"/asset-components/{hidden['uuid']}", expect=404)
    reader.get(f"/assets/{other}/components", expect=404)
    reader.post(f"/assets/{mine}/components", IMAGE, expect=403)
    reader.patch(f"/asset-components/{seen['uuid']}", {"source": "x"}, expect=403)
    writer.patch(f"/asset-components/{seen['uuid']}", {"source": "x"})
    writer.patch(f"/asset-components/{hidden['uuid']}", {"source": "x"}, expect=403)
    writer.post(f"/assets/{other}/components", IMAGE, expect=403)
    writer.post("/asset-components", {**IMAGE, "assetUuid": other}, expect=403)
    writer.post("/asset-components", {**IMAGE, "assetUuid": mine}, expect=201)
    writer.request("DELETE", f"/asset-components/{hidden['uuid']}", expect=403)


def test_another_space_sees_nothing(client: ApiClient, platform: Platform, path: str, asset: str) -> None:
    made = client.post(path, IMAGE, expect=201)
    make_user(platform, "stranger", Permission, space_id=make_space(platform, "elsewhere"))
    stranger = sign_in(client.app, "stranger", "elsewhere")
    assert stranger.get("/asset-components")["_metainfo"]["totalCount"] == 0
    for method in ("GET", "PATCH", "DELETE"):
        stranger.request(method, f"/asset-components/{made['uuid']}", {}, expect=404)
    stranger.post(path, IMAGE, expect=404)
    stranger.post("/asset-components", {**IMAGE, "assetUuid": asset}, expect=400)
    with platform.unit_of_work() as uow:
        assert len(uow.session.execute(select(Component.id)).all()) == 1
