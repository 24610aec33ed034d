"""Judged searches of the demo's files: what people would type, and what must come first. In several languages."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from compose.demo_files.plan import DemoFile, iter_files
from models.search import AssetDocument, SearchQuery, TantivyReader
from models.services.search_facts import read_components
from tests.support.documents import SPACE, build_index, make_asset_document
from workers.media import exif

Judge = Callable[[AssetDocument], bool]


def _document(file: DemoFile) -> AssetDocument:
    """What Loom would know of a file once the pipeline `ingest` has looked at it."""
    path = os.fsencode(file.path).decode("utf-8", "replace")
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    found: dict[str, object] = {}
    if path.startswith("photos/"):
        with Image.open(BytesIO(file.data)) as image:
            place = exif.place_of(image)
            geo = {"lat": place[0], "lon": place[1]} if place else None
            found["metadata"] = {"metadata": exif.describe(image), "geo": geo}
    if kind == "text/plain":
        found["text"] = {"content": file.data.decode("utf-8", "replace")}
    told = read_components(found)
    return make_asset_document(
        os.path.basename(path), paths=[path], mime_type=kind, size=len(file.data),
        first_seen=file.changed or 1.7e9, text=told.text, facts=told.facts, numbers=told.numbers, taken=told.taken,
        place=told.place,
    )  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[TantivyReader, dict[str, AssetDocument]]:
    documents = [_document(file) for file in iter_files()]
    folder = tmp_path_factory.mktemp("index")
    build_index(folder, *documents)
    return TantivyReader(folder), {str(document.asset_id): document for document in documents}


def lies_in(part: str) -> Judge:
    return lambda document: part in document.paths[0]


def has(field: str, value: str) -> Judge:
    return lambda document: value in document.facts.get(field, ())


def both(*judges: Judge) -> Judge:
    return lambda document: all(judge(document) for judge in judges)


JUDGED: list[tuple[str, Judge]] = [
    ("kyoto", lies_in("/kyoto/")),
    ("Kyoto sunset", both(lies_in("/kyoto/"), lies_in("sunset"))),
    ("sunset or market lisbon -tram", lambda it: "sunset" in it.filename or "market" in it.filename),
    ('"old town" nairobi', both(lies_in("old town"), lies_in("nairobi"))),
    ("IMG_0042", lies_in("IMG_0042")),
    ("img0042 ", lies_in("IMG_0042")),
    ("report 3", lies_in("report 3.pdf")),
    ("chord flac", lies_in(".flac")),
    ("banner 07", lies_in("banner-07")),
    ("video hills", lies_in("pan over the hills")),
    ("camera:nikon wellington", both(has("camera", "NIKON CORPORATION Z 6_2"), lies_in("/wellington/"))),
    ('camera:"iphone 13" taken:2022', both(has("camera", "Apple iPhone 13"), lies_in("photos/2022"))),
    ("taken:2021 valparaiso", both(lies_in("photos/2021"), lies_in("valparaiso"))),
    ("near:64.1466,-21.9426,20km", lies_in("/reykjavik/")),
    ("iso>=3200 type:image", lambda it: it.numbers.get("iso") == 3200),
    ("reykjavyk ", lies_in("/reykjavik/")),
    ("wellingtn ", lies_in("/wellington/")),
    ("climbing hills notes", lies_in("notes/english")),
    ("Straßenbahn", lies_in("notes/deutsch")),
    ("strassenbahnen ", lies_in("notes/deutsch")),
    ("vieilles chansons ", lies_in("notes/français")),
    ("COLLINES", lies_in("notes/français")),
    ("eletrico", lies_in("notes/português")),
    ("трамваи ", lies_in("notes/русский")),
    ("песня ", lies_in("notes/русский")),
    ("路面電車", lies_in("notes/日本語")),
    ("λιμάνι", lies_in("notes/ελληνικά")),
    ("الترام", lies_in("notes/العربية")),
    ("kilima", lies_in("notes/kiswahili")),
    ("grusse koln", lies_in("Grüße aus Köln")),
    ("写真", lies_in("写真")),
]


@pytest.mark.parametrize(("terms", "is_right"), JUDGED, ids=[terms for terms, _ in JUDGED])
def test_what_comes_first_is_what_was_meant(
    library: tuple[TantivyReader, dict[str, AssetDocument]], terms: str, is_right: Judge
) -> None:
    reader, documents = library
    hits = [documents[str(hit.asset_id)] for hit in reader.search(SearchQuery(SPACE, terms, limit=3)).hits]
    assert hits
    assert [hit.paths[0] for hit in hits if not is_right(hit)] == []
