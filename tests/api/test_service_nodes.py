"""Nodes that reach other servers, and nodes that make pictures: model servers, webhooks, buckets, copies."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from models.bus import WorkerInfo
from models.messages import Queue
from models.permissions import Permission
from models.wiring import Platform
from tests.support.client import ApiClient
from tests.support.people import make_user, sign_in
from tests.support.platforms import rows
from tests.support.runs import Pooled, Runs, edge, graph, node, only, picture
from tests.support.web_servers import fetching_from_here, send, web_server


@pytest.fixture
def runs(client: ApiClient, platform: Platform) -> Runs:
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    return Runs(client, fetching_from_here(platform))


class ModelServer:
    """An example of a model server: it describes what it is sent, and counts how often."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.answer: Any = None

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.asked.append(body)
        self.headers.append(dict(handler.headers))
        answer = self.answer
        if answer is None:
            words = f"a picture called {body['asset']['filename']}"
            answer = {"text": words, "labels": ["boat", "sea"], "result": {"task": body.get("task")},
                      "embeddings": [{"vector": [0.5, -0.25, 1], "model": "example", "type": "CLIP"}]}  # fmt: skip
        send(handler, answer if isinstance(answer, bytes) else json.dumps(answer).encode(), self.status)


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def url(server: ModelServer) -> Iterator[str]:
    with web_server(server) as address:
        yield address


def _asking(kind: str, url: str, **options: Any) -> dict[str, Any]:
    return graph(
        node("thumb", "thumbnail"), node("ask", kind, url=url, **options), node("t", "tag", tagBy="LABELS"),
        edges=[edge("source", "thumb"), edge("source", "ask", targetPort="media"),
               edge("thumb", "ask", sourcePort="thumbnail", targetPort="image"),
               edge("source", "t", targetPort="media"),
               *([edge("ask", "t", sourcePort="labels", targetPort="labels")] if kind == "http-service" else [])],
    )  # fmt: skip


def test_a_model_server_is_sent_a_picture_and_gives_words_labels_and_vectors(
    runs: Runs, server: ModelServer, url: str
) -> None:
    asset, pipeline = runs.upload(picture("red")), runs.make(_asking("http-service", url, task="caption"))
    run = runs.run(pipeline, [asset])
    told = only(runs, run, "ask")
    assert told["outputs"] == {
        "text": "a picture called a.jpg", "labels": ["boat", "sea"], "result": {"task": "caption"},
    }, told  # fmt: skip
    (asked,) = server.asked
    assert asked["asset"]["uuid"] == asset
    with Image.open(io.BytesIO(base64.b64decode(asked["image"]["data"]))) as image:
        assert image.format == "WEBP"
    assert "file" not in asked
    (embedding,) = runs.client.get(f"/embeddings?assetUuid={asset}")["data"]
    assert (embedding["dimensions"], embedding["model"], embedding["nodeKind"]) == (3, "example", "http-service")
    assert {each["name"] for each in runs.client.get(f"/assets/{asset}/tags")["data"]} == {"boat", "sea"}
    again = runs.run(pipeline, [asset])
    assert (only(runs, again, "ask")["origin"], len(server.asked)) == ("CACHED", 1)


def test_a_file_is_sent_if_that_is_asked_for_and_it_is_not_too_large(
    runs: Runs, server: ModelServer, url: str
) -> None:  # fmt: skip
    data = picture("red")
    asset = runs.upload(data)
    runs.run(runs.make(_asking("http-embedding", url, sendFile=True)), [asset])
    assert base64.b64decode(server.asked[0]["file"]["data"]) == data
    large = runs.upload(b"x" * (1024**2 + 1), "b.bin")
    small = graph(node("ask", "http-service", url=url, sendFile=True, mostMebibytes=1))
    assert "larger than 1 MiB" in only(runs, runs.run(runs.make(small, name="q"), [large]), "ask")["errorMessage"]


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (500, {}, "answers 500"), (404, {}, "answers 404"), (302, {}, "answers 302"),
        (200, b"no json", "not as it must"),
        (200, {"embeddings": [{"vector": []}]}, "embeddings"), (200, {"embeddings": [{"vector": ["x"]}]}, "embeddings"),
        (200, b'{"embeddings": [{"vector": [1e999]}]}', "not as it must"), (200, {"labels": ["x"] * 1001}, "labels"),
        (200, {}, "no embeddings"), (200, b"[" * 17 * 1024**2, "more than"),
    ],
)  # fmt: skip
def test_what_a_server_does_wrong_is_a_failure_with_a_name(
    runs: Runs, server: ModelServer, url: str, status: int, answer: Any, words: str
) -> None:
    server.status, server.answer = status, answer
    asset = runs.upload(picture("red"))
    attempts = 2 if status == 500 else 1
    made = runs.make(graph(node("ask", "http-embedding", url=url, maxAttempts=attempts)))
    told = only(runs, runs.run(made, [asset]), "ask")
    assert (told["state"], told["attempt"], len(server.asked)) == ("FAILED", attempts, attempts)
    assert words in told["errorMessage"]
    assert rows(runs.platform, "SELECT count(*) FROM embedding") == [(0,)]


def test_private_addresses_are_refused(client: ApiClient, platform: Platform, url: str, server: ModelServer) -> None:
    platform.bus.announce(WorkerInfo("w", tuple(Queue)), 60)
    runs = Runs(client, platform)
    asset = runs.upload(picture("red"))
    for number, kind in enumerate(("http-service", "webhook-call")):
        made = runs.make(graph(node("ask", kind, url=url)), name=str(number))
        assert "not public" in only(runs, runs.run(made, [asset]), "ask")["errorMessage"]
    assert server.asked == []


def test_a_webhook_is_told_and_told_the_same_again(runs: Runs, server: ModelServer, url: str) -> None:
    asset = runs.upload(picture("red"))
    made = runs.make(graph(
        node("c", "metadata"), node("w", "webhook-call", url=url, event="mine"),
        edges=[edge("source", "c"), edge("source", "w", targetPort="media"),
               edge("c", "w", sourcePort="metadata", targetPort="struct")],
    ))  # fmt: skip
    told = only(runs, runs.run(made, [asset]), "w")
    assert told.get("outputs") == {"delivered": True}, told
    runs.run(made, [asset])
    runs.run(made, [asset], dryRun=True)
    assert len(server.asked) == 2, "a dry run tells nobody"
    assert (server.asked[0]["event"], server.asked[0]["asset"]["uuid"]) == ("mine", asset)
    assert server.headers[0]["X-Loom-Delivery"] == server.headers[1]["X-Loom-Delivery"]


def _made(runs: Runs, filename: str) -> Image.Image:
    (found,) = [each for each in runs.client.get("/attachments")["data"] if each["filename"] == filename]
    data = runs.client.request("GET", f"/attachments/{found['uuid']}/data", expect=200).get_data()
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_pictures_are_cut_brought_to_an_aspect_and_made_smaller(runs: Runs) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    asset = runs.upload(picture("red", (400, 200), exif=exif))
    cases: list[tuple[dict[str, Any], tuple[int, int]]] = [
        ({}, (200, 400)), ({"cropTop": 0.5}, (200, 200)), ({"targetAspect": 1}, (200, 200)),
        ({"targetAspect": 1, "aspectMode": "PAD", "fill": "#0000ff"}, (400, 400)), ({"maxLongEdge": 100}, (50, 100)),
        ({"targetAspect": 0.25, "aspectMode": "PAD"}, (200, 800)),
    ]  # fmt: skip
    for number, (options, size) in enumerate(cases):
        made = runs.make(graph(node("i", "image-manipulation", **options)), name=str(number))
        told = only(runs, runs.run(made, [asset]), "i")
        assert told["outputs"]["geometry"] == {"width": size[0], "height": size[1]}, options
        assert _made(runs, "picture.jpg").size == size
    nothing = runs.make(graph(node("i", "image-manipulation", cropLeft=0.6, cropRight=0.6)), name="nothing")
    assert only(runs, runs.run(nothing, [asset]), "i")["state"] == "FAILED"


def test_a_mark_is_put_where_it_belongs(runs: Runs) -> None:
    asset = runs.upload(picture("black", (400, 200)))
    mark = io.BytesIO()
    Image.new("RGB", (10, 10), "white").save(mark, "PNG")
    drawn = {"image": base64.b64encode(mark.getvalue()).decode(), "scale": 0.25, "relX": 1, "relY": 1}
    runs.run(runs.make(graph(node("w", "watermark", **drawn))), [asset])
    image = _made(runs, "watermarked.jpg")
    brightness: list[Any] = [image.getpixel(place) for place in ((390, 190), (310, 110), (10, 10))]
    assert [each[0] > 200 for each in brightness] == [True, True, False]
    runs.run(runs.make(graph(node("w", "watermark", text="Loom")), name="words"), [asset])
    lightest: Any = _made(runs, "watermarked.jpg").convert("L").getextrema()[1]
    assert lightest > 200
    for number, bad in enumerate(({}, {"image": "no base64!"}, {"image": base64.b64encode(b"no png").decode()})):
        made = runs.make(graph(node("w", "watermark", **bad)), name=f"bad {number}")
        assert only(runs, runs.run(made, [asset]), "w")["state"] == "FAILED", bad


def test_a_source_of_files_says_what_to_run_on(runs: Runs, tmp_path: Path) -> None:
    pooled = Pooled(runs, tmp_path / "one")
    (tmp_path / "one" / "x").mkdir()
    (tmp_path / "one" / "x" / "b.jpg").write_bytes(picture("blue"))
    pooled.scan()
    runs.upload(picture("green"), "up.jpg")

    def made(name: str, **options: Any) -> str:
        nodes = [node("source", "filesystem-source", **options), node("m", "md5")]
        return runs.make({"nodes": nodes, "edges": [edge("source", "m", sourcePort="media")]}, name=name)

    whole = runs.run(made("whole", poolUuid=pooled.pool))
    assert [runs.tasks(whole, item)["source"]["outputs"]["path"] for item in runs.items(whole)] == ["a.jpg", "x/b.jpg"]
    assert runs.run(made("folder", poolUuid=pooled.pool, path="x"))["mediaCount"] == 1
    assert runs.run(made("patterns", pathGlobs=["*.jpg"]))["mediaCount"] == 2
    runs.client.post(f"/pipelines/{made('nothing')}/run", {}, expect=400)
    runs.client.post(f"/pipelines/{made('bad', poolUuid='x')}/run", {}, expect=400)


def test_what_could_not_be_kept_is_asked_for_again(runs: Runs, server: ModelServer, url: str) -> None:
    asset, pipeline = runs.upload(picture("red")), runs.make(graph(node("ask", "http-embedding", url=url)))
    may = Permission
    make_user(runs.platform, "eve", [may.READ_ASSET, may.READ_PIPELINE, may.READ_PIPELINE_RUN, may.CREATE_PIPELINE_RUN])
    eve = Runs(sign_in(runs.client.app, "eve"), runs.platform)
    for _ in range(2):
        assert only(eve, eve.run(pipeline, [asset]), "ask")["state"] == "FAILED"
    told = only(runs, runs.run(pipeline, [asset]), "ask")
    assert (told["state"], told["origin"], len(server.asked)) == ("COMPLETED", "COMPUTED", 3)


def test_a_sink_without_leave_writes_nowhere(runs: Runs) -> None:
    asset = runs.upload(picture("red"))
    for number, bucket in enumerate(("", "s3://other", "file:///etc", "s3://a/../b")):
        made = runs.make(graph(node("s", "s3-sink", bucket=bucket, includeSource=True)), name=str(number))
        assert only(runs, runs.run(made, [asset]), "s")["state"] == "FAILED", bucket
