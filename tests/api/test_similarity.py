"""What is like something else, compared one by one and by an index, within what its caller may see."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import Select, create_engine

from models.bus import WorkerInfo
from models.ids import new_id, new_id_text
from models.messages import Queue
from models.permissions import Actor, Permission
from models.services import vector_keys
from models.services.similarity import Sought, similar_embeddings
from models.services.vector_keys import EmbeddingKey, index_name, make_index
from models.unit_of_work import as_rows
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_space, make_user, sign_in
from tests.support.platforms import execute, rows
from tests.support.runs import Runs, graph, node
from workers.inline import run_all

DIMENSIONS = 32


class World:
    """Assets with fingerprints and embeddings, written as pipelines and bulk requests write them."""

    def __init__(self, platform: Platform, actor: Actor) -> None:
        self.platform, self.actor = platform, actor

    def add(self, hashes: Sequence[str], vectors: Sequence[Sequence[float]] = ()) -> list[str]:
        """Give each asset a pHash, and an embedding if there is one for it."""
        assets = [
            {"id": new_id_text(), "sha512": f"{number:0128x}", "space": str(self.actor.space_id), "phash": each,
             "component": new_id_text(), "embedding": new_id_text(),
             "vector": list(vectors[number]) if number < len(vectors) else None}
            for number, each in enumerate(hashes)
        ]  # fmt: skip
        with self.platform.unit_of_work() as uow:
            uow.execute(
                """INSERT INTO asset (id, space_id, sha512, size, mime_type, filename, origin)
                   SELECT id, space, decode(sha512, 'hex'), 1, 'image/jpeg', 'a.jpg', 'test'
                   FROM json_to_recordset(CAST(:rows AS json)) AS new (id uuid, space uuid, sha512 text)""",
                rows=as_rows(assets),
            )
            uow.execute(
                """INSERT INTO component (id, space_id, asset_id, type, source, node_id, payload)
                   SELECT component, space, id, 'JSON', 'pipeline', 'image-hash',
                          jsonb_build_object('data', jsonb_build_object('phash', phash))
                   FROM json_to_recordset(CAST(:rows AS json))
                        AS new (component uuid, space uuid, id uuid, phash text)""",
                rows=as_rows(assets),
            )
            uow.execute(
                """INSERT INTO embedding (id, space_id, asset_id, type, model, vector, dimensions)
                   SELECT embedding, space, id, 'SCENE', 'm', vector, cardinality(vector)
                   FROM json_to_recordset(CAST(:rows AS json))
                        AS new (embedding uuid, space uuid, id uuid, vector real[]) WHERE vector IS NOT NULL""",
                rows=as_rows(assets),
            )
            uow.commit()
        return [str(asset["id"]) for asset in assets]


@pytest.fixture
def world(platform: Platform, actor: Actor) -> World:
    return World(platform, actor)


def _similar(caller: ApiClient, asset: str, **query: Any) -> list[tuple[str, int]]:
    answer = caller.get(f"/assets/{asset}/similar-assets", query_string=query)
    return [(each["assetUuid"], each["distance"]) for each in answer["data"]]


def _near(caller: ApiClient, **body: Any) -> list[str]:
    return [each["assetUuid"] for each in caller.post("/embeddings/search", body)["data"]]


def test_assets_that_look_alike_are_found_by_the_bits_that_differ(client: ApiClient, world: World) -> None:
    base = 0x0123456789ABCDEF
    hashes = [f"{base ^ ((1 << bits) - 1):016x}" for bits in (0, 1, 5, 9, 10, 40)]
    first, one, five, nine, ten, _ = world.add(hashes)
    assert _similar(client, first) == [(one, 1), (five, 5), (nine, 9)]
    assert _similar(client, first, limit=1) == [(one, 1)]
    assert _similar(client, first, threshold=0.5) == [(one, 1)]
    assert _similar(client, first, threshold=1 / 11) == [(one, 1), (five, 5), (nine, 9), (ten, 10)]
    answer = client.get(f"/assets/{first}/similar-assets")["data"][0]
    assert answer == {"assetUuid": one, "sha512": f"{1:0128x}", "score": 0.5, "distance": 1}
    assert _similar(client, first, algorithm="dhash") == []
    client.get(f"/assets/{first}/similar-assets?algorithm=other", expect=400)
    client.get(f"/assets/{new_id()}/similar-assets", expect=404)


def test_what_is_no_hash_is_like_nothing_and_harms_nothing(client: ApiClient, platform: Platform, world: World) -> None:
    first, second, *_ = world.add(["00" * 8, "00" * 8, "xyz", "", "ff" * 9])
    world_of_nothing = rows(platform, "SELECT id FROM asset ORDER BY id OFFSET 2")
    assert _similar(client, first) == [(second, 0)]
    assert [_similar(client, str(row[0])) for row in world_of_nothing] == [[], [], []]


def _scene(quality: int) -> bytes:
    """A picture with something in it."""
    image = Image.radial_gradient("L").resize((320, 240)).convert("RGB")
    ImageDraw.Draw(image).rectangle((40, 60, 150, 200), "blue")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def test_a_pipeline_makes_pictures_comparable(client: ApiClient, platform: Platform) -> None:
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    runs = Runs(client, platform)
    first, second = runs.upload(_scene(95)), runs.upload(_scene(30))
    assert _similar(client, first) == []
    runs.run(runs.make(graph(node("h", "image-hash"))), [first, second])
    ((found, distance),) = _similar(client, first)
    assert (found, distance < 9) == (second, True)


def test_embeddings_are_found_by_vector_embedding_and_asset(client: ApiClient, world: World) -> None:
    vectors: list[list[float]] = [[1, 0, 0], [2, 0.2, 0], [0, 1, 0], [-1, 0, 0], [0, 0, 0]]
    first, second, third, fourth, _ = world.add(["0"] * 5, vectors)
    assert _near(client, vector=[5, 0, 0]) == [first, second, third, fourth]
    assert _near(client, vector=[5, 0, 0], threshold=0.5) == [first, second]
    assert _near(client, assetUuid=first, limit=1) == [second]
    ((own,),) = rows(world.platform, f"SELECT id FROM embedding WHERE asset_id = '{first}'")
    found = client.post("/embeddings/search", {"embeddingUuid": str(own), "type": "SCENE"})["data"]
    assert found[0]["assetUuid"] == second
    assert found[0]["score"] == pytest.approx(2 / math.hypot(2, 0.2))
    assert _near(client, vector=[1, 0, 0], type="OTHER") == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"vector": [1, 0]}, "have 3 dimensions, not 2"),
        ({"vector": [0, 0, 0]}, "is zero"),
        ({"vector": [1e-50, 0, 0]}, "is zero"),
        ({"vector": [1e39, 0, 0]}, "too large"),
        ({"vector": []}, "vector"),
        ({}, "Give one of"),
        ({"vector": [1, 0, 0], "assetUuid": str(UUID(int=1))}, "Give one of"),
    ],
)
def test_vectors_that_nothing_can_be_near_to_are_refused(client: ApiClient, world: World, body: Any, told: str) -> None:
    world.add(["0"], [[1, 0, 0]])
    assert told in client.post("/embeddings/search", body, expect=400)["message"]


def test_a_number_that_is_none_is_refused(client: ApiClient, world: World) -> None:
    world.add(["0"], [[1, 0, 0]])
    for number in (b"NaN", b"Infinity", b"1e999"):
        headers = {"Content-Type": "application/json"}
        client.request("POST", "/embeddings/search", b'{"vector": [1, 0, %s]}' % number, headers=headers, expect=400)


def test_of_several_models_one_has_to_be_named(client: ApiClient, platform: Platform, world: World) -> None:
    first, second = world.add(["0", "0"], [[1, 0, 0], [1, 0, 0]])
    execute(platform, f"UPDATE embedding SET model = 'other' WHERE asset_id = '{second}'")
    assert "SCENE by other" in client.post("/embeddings/search", {"vector": [1, 0, 0]}, expect=400)["message"]
    assert _near(client, vector=[1, 0, 0], model="m", type="SCENE") == [first]


def test_nothing_that_one_may_not_see_is_near(client: ApiClient, platform: Platform, world: World) -> None:
    assets = world.add(["0" * 16] * 3, [[1, 0, 0]] * 3)
    library = client.post("/libraries", {"name": "mine"}, expect=201)["uuid"]
    client.request("PUT", f"/libraries/{library}/assets", {"assetUuids": assets[:2]}, expect=200)
    reads = (Permission.READ_ASSET, Permission.READ_EMBEDDING)
    make_user(platform, "ann", scoped=[(each, "library", UUID(library)) for each in reads])
    ann = sign_in(client.app, "ann")
    assert _similar(ann, assets[0]) == [(assets[1], 0)]
    assert set(_near(ann, vector=[1, 0, 0])) == set(assets[:2])
    client.post("/blacklists", {"assetUuid": assets[1]}, expect=201)
    assert _similar(ann, assets[0]) == []
    assert _near(ann, vector=[1, 0, 0]) == assets[:1]
    make_user(platform, "far", list(Permission), space_id=make_space(platform, "far"))
    far = sign_in(client.app, "far", "far")
    assert _near(far, vector=[1, 0, 0]) == []
    far.get(f"/assets/{assets[0]}/similar-assets", expect=404)


def test_without_the_extension_it_is_said_so(client: ApiClient, platform: Platform, world: World) -> None:
    (asset,) = world.add(["0" * 16])
    with platform.engine.connect() as connection:
        connection.exec_driver_sql("DROP EXTENSION vector CASCADE")
        connection.commit()
        try:
            client.get(f"/assets/{asset}/similar-assets", expect=503)
            client.post("/embeddings/search", {"vector": [1]}, expect=503)
        finally:
            vector_keys.install(platform.engine)


def test_vectors_of_more_dimensions_than_can_be_compared_are_refused(client: ApiClient, world: World) -> None:
    world.add(["0"], [[1.0] * 16_001])
    told = client.post("/embeddings/search", {"vector": [1.0] * 16_001}, expect=400)["message"]
    assert "16,000 dimensions" in told


def test_who_may_not_add_the_extension_goes_on_without(platform: Platform) -> None:
    with platform.engine.connect() as connection:
        connection.exec_driver_sql("DROP EXTENSION vector CASCADE")
        connection.exec_driver_sql("CREATE ROLE nobody_special LOGIN")
        connection.commit()
        try:
            engine = create_engine(platform.engine.url.set(username="nobody_special"))
            assert vector_keys.install(engine) is False
            engine.dispose()
        finally:
            assert vector_keys.install(platform.engine) is True
            assert vector_keys.install(platform.engine) is True
            connection.exec_driver_sql("DROP ROLE nobody_special")
            connection.commit()


def test_an_index_finds_what_comparing_all_finds(
    client: ApiClient, platform: Platform, world: World, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_keys, "FEWEST_INDEXED", 1000)
    chance = random.Random(3)
    vectors = [[chance.gauss(0, 1) for _ in range(DIMENSIONS)] for _ in range(1500)]
    world.add([f"{chance.getrandbits(64):016x}" for _ in vectors], vectors)
    sought = [[chance.gauss(0, 1) for _ in range(DIMENSIONS)] for _ in range(10)]
    exact = [_near(client, vector=each) for each in sought]
    task = client.post("/tasks", {"kind": "search.index-vectors", "payload": {}}, expect=202)["uuid"]
    run_all(platform)
    assert client.get(f"/tasks/{task}")["result"]["indexes"] == 1
    execute(platform, "ANALYZE embedding")
    found = [_near(client, vector=each) for each in sought]
    recall = sum(len(set(a) & set(b)) for a, b in zip(exact, found, strict=True)) / (10 * len(sought))
    assert recall >= 0.95
    name = index_name(EmbeddingKey(actor.space_id, "SCENE", "m", DIMENSIONS))
    assert name in _plan(platform, actor, sought[0])
    client.post("/similarity-index/rebuild", expect=204)
    run_all(platform)
    assert rows(platform, "SELECT result -> 'indexes' FROM task ORDER BY id DESC LIMIT 1") == [(1,)]


def test_an_index_goes_on_until_it_finds_what_one_may_see(
    client: ApiClient, platform: Platform, world: World, actor: Actor
) -> None:
    chance = random.Random(4)
    others = [[1.0, chance.gauss(0, 0.1), chance.gauss(0, 0.1)] for _ in range(1500)]
    assets = world.add(["0" * 16] * 1500 + ["0" * 15 + "1"] * 2, [*others, [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    library = client.post("/libraries", {"name": "mine"}, expect=201)["uuid"]
    client.request("PUT", f"/libraries/{library}/assets", {"assetUuids": assets[-2:]}, expect=200)
    reads = (Permission.READ_ASSET, Permission.READ_EMBEDDING)
    make_user(platform, "ann", scoped=[(each, "library", UUID(library)) for each in reads])
    ann = sign_in(client.app, "ann")
    make_index(platform.engine, EmbeddingKey(actor.space_id, "SCENE", "m", 3))
    execute(platform, "ANALYZE component, embedding, asset")
    assert _similar(ann, assets[-1]) == [(assets[-2], 0)]
    assert set(_near(ann, vector=[1, 0, 0])) == set(assets[-2:])


def _plan(platform: Platform, actor: Actor, vector: Sequence[float]) -> str:
    """How PostgreSQL does what `similar_embeddings` asks for."""
    asked: list[str] = []
    with platform.unit_of_work() as uow:
        execute_it = uow.session.execute

        def explain(query: Any, *given: Any, **more: Any) -> Any:
            if isinstance(query, Select):
                compiled = query.compile(platform.engine, compile_kwargs={"literal_binds": True})
                told: Any = uow.session.connection().exec_driver_sql(f"EXPLAIN {compiled}")
                asked.extend(row[0] for row in told)
            return execute_it(query, *given, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(uow.session, "execute", explain)
            similar_embeddings(uow, platform.vectors, actor, Sought(vector, type="SCENE", model="m"), 10, None)
    return "\n".join(asked)
