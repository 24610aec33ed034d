"""Clusters of embeddings and the persons in them: found, confirmed, rejected, named, and growing."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from models.permissions import Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from workers.inline import run_all

DIMENSIONS = 32


class Faces:
    """Assets with an embedding each, of so many persons that look different."""

    def __init__(self, client: ApiClient, platform: Platform) -> None:
        self.client, self.platform, self.chance = client, platform, Random(2)
        self.looks = [[self.chance.gauss(0, 1) for _ in range(DIMENSIONS)] for _ in range(4)]
        self.number = 0

    def add(self, person: int, spread: float = 0.3, model: str = "m") -> str:
        self.number += 1
        asset = self.client.post("/assets", {"sha512": f"{self.number:0128x}", "filename": "a"}, expect=201)["uuid"]
        vector = [value + self.chance.gauss(0, spread) for value in self.looks[person]]
        body = {"vector": vector, "type": "FACE", "model": model}
        return str(self.client.post(f"/assets/{asset}/embeddings", body, expect=201)["uuid"])

    def find(self, **more: Any) -> Any:
        task = self.client.post("/clusters/find", {"type": "FACE", **more}, expect=202)
        run_all(self.platform)
        return self.client.get(f"/tasks/{task['uuid']}")["result"]

    def clusters(self, query: str = "") -> Any:
        return self.client.get(f"/clusters{query}")["data"]

    def members(self, cluster: Any) -> set[str]:
        return {each["embeddingUuid"] for each in self.client.get(f"/clusters/{cluster['uuid']}/members")["data"]}


@pytest.fixture
def faces(client: ApiClient, platform: Platform) -> Faces:
    return Faces(client, platform)


def test_what_lies_together_is_proposed(faces: Faces) -> None:
    mine = [{faces.add(person) for _ in range(5)} for person in range(3)]
    faces.add(3)  # alone
    assert faces.find() == {"new": 3, "pending": 0, "rejected": 0, "gained": 0}
    found = faces.clusters("?status=PENDING&type=FACE")
    assert sorted(map(sorted, map(faces.members, found))) == sorted(map(sorted, mine))
    first = found[0]
    assert (first["memberCount"], first["model"], first["reviewStatus"]) == (5, "m", "PENDING")
    assert 0.6 <= first["score"] <= 1
    assert faces.find() == {"new": 0, "pending": 3, "rejected": 0, "gained": 0}
    assert faces.find(leastMembers=6) == {"new": 0, "pending": 0, "rejected": 0, "gained": 0}
    assert faces.clusters() == []


def test_models_are_kept_apart(faces: Faces) -> None:
    for model in ("m", "n"):
        for _ in range(3):
            faces.add(0, model=model)
    assert faces.find()["new"] == 2
    assert {each["model"] for each in faces.clusters()} == {"m", "n"}
    assert faces.find(model="m") == {"new": 0, "pending": 1, "rejected": 0, "gained": 0}
    assert len(faces.clusters()) == 2, "those of the other model stay"


def test_a_confirmed_cluster_is_a_person_and_grows(faces: Faces, client: ApiClient) -> None:
    for _ in range(4):
        faces.add(0)
    faces.find()
    (cluster,) = faces.clusters()
    told = client.post(f"/clusters/{cluster['uuid']}/confirm", {"firstname": "Ada", "lastname": "L", "name": "ada"})
    assert (told["reviewStatus"], told["name"]) == ("CONFIRMED", "ada")
    assert told["reviewedAt"]
    person = client.get(f"/persons/{told['personUuid']}")
    assert (person["firstname"], person["lastname"]) == ("Ada", "L")
    again = [faces.add(0) for _ in range(2)]
    assert faces.find() == {"new": 0, "pending": 0, "rejected": 0, "gained": 2}
    assert set(again) < faces.members(cluster)
    assert [each["uuid"] for each in client.get(f"/persons/{person['uuid']}/clusters")["data"]] == [cluster["uuid"]]
    client.delete(f"/clusters/{cluster['uuid']}/person")
    assert "personUuid" not in client.get(f"/clusters/{cluster['uuid']}")
    client.post(f"/clusters/{cluster['uuid']}/confirm", {"personUuid": person["uuid"]})
    client.delete(f"/persons/{person['uuid']}")
    assert "personUuid" not in client.get(f"/clusters/{cluster['uuid']}")


def test_what_was_rejected_is_not_proposed_again(faces: Faces, client: ApiClient) -> None:
    for _ in range(4):
        faces.add(0)
    faces.find()
    (cluster,) = faces.clusters()
    assert client.post(f"/clusters/{cluster['uuid']}/reject")["reviewStatus"] == "REJECTED"
    assert faces.find() == {"new": 0, "pending": 0, "rejected": 1, "gained": 0}
    faces.add(0)
    assert faces.find()["new"] == 1, "five are not the four that were rejected"


def test_a_cluster_is_made_by_hand(faces: Faces, client: ApiClient) -> None:
    one, other = faces.add(0), faces.add(1)
    made = client.post("/clusters", {"name": "x", "type": "FACE", "embeddingUuids": [one, other]}, expect=201)
    assert made["memberCount"] == 2
    assert faces.members(made) == {one, other}
    first = client.get(f"/clusters/{made['uuid']}/members?limit=1")
    rest = client.get(f"/clusters/{made['uuid']}/members?limit=1&from={first['_metainfo']['lastUuid']}")
    assert len({each["embeddingUuid"] for each in [*first["data"], *rest["data"]]}) == 2
    asset = first["data"][0]["assetUuid"]
    assert [each["uuid"] for each in client.get(f"/assets/{asset}/clusters")["data"]] == [made["uuid"]]
    wrong = {"type": "TEXT", "embeddingUuids": [one]}
    assert "FACE" in client.post("/clusters", wrong, expect=400)["message"]
    faces.find()
    client.get(f"/clusters/{made['uuid']}")  # what people make does not make room


def test_a_person_is_named_or_described(faces: Faces, client: ApiClient) -> None:
    cluster = client.post("/clusters", {"type": "FACE"}, expect=201)
    path = f"/clusters/{cluster['uuid']}/confirm"
    unknown = "00000000-0000-0000-0000-000000000001"
    assert "personUuid" in client.post(path, {"personUuid": unknown}, expect=400)["message"]
    person = client.post("/persons", {"alias": "ada"}, expect=201)["uuid"]
    assert "personUuid" in client.post(path, {"personUuid": person, "alias": "b"}, expect=400)["message"]
    assert client.post(path, {"personUuid": person})["personUuid"] == person
    assert client.post(path, {})["personUuid"] == person, "nothing said changes nothing"


def test_who_may_not_read_all_assets_sees_no_clusters(faces: Faces, platform: Platform, app: Any) -> None:
    cluster = faces.client.post("/clusters", {"type": "FACE"}, expect=201)
    make_user(platform, "half", [Permission.READ_CLUSTER])
    half = sign_in(app, "half")
    assert half.get("/clusters")["data"] == []
    half.get(f"/clusters/{cluster['uuid']}", expect=404)
