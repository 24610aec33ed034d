"""Fields, facets, stems and words that are alike: what a search understands beyond words."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.errors import InvalidInput
from models.search import Facet, Part, SearchPage, SearchQuery, SearchSort, TantivyReader
from models.search.circles import EARTH_KM, read_circle
from models.search.grammar import parse_terms
from models.search.stems import guess_language
from tests.support.documents import SPACE, build_index, make_asset_document


def _moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> float:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


DOCUMENTS = [
    make_asset_document(
        "harbour.jpg", size=20 * 1024**2, facts={"camera": ["Leica Q2"], "artist": ["Ann Lee"]}, tags=["boats", "Old"],
        numbers={"width": 8000.0, "iso": 100.0}, taken=_moment(2024, 6, 1, 12), place=(52.52, 13.40),
        marks=["tag:boats", "tag:old"],
    ),
    make_asset_document(
        "market.JPG", size=5 * 1024**2, facts={"camera": ["Canon EOS R5"], "lens": ["RF 50mm"]}, tags=["old"],
        numbers={"width": 6000.0, "iso": 800.0}, taken=_moment(2023, 12, 31, 23, 59, 59), place=(-33.86, 151.2),
        marks=["tag:old"], comments=["Where did you buy the melons?"],
    ),
    make_asset_document(
        "film.mp4", mime_type="video/mp4", size=300, facts={"codec": ["h264", "aac"], "title": ["Running boats"]},
        numbers={"duration": 95.5, "fps": 25.0}, first_seen=_moment(2020, 2, 2), annotations=["The captain waves"],
    ),
    make_asset_document(
        "bericht.txt", mime_type="text/plain", size=100, first_seen=_moment(2021, 2, 2),
        text="Der Bericht ist fertig und die Häuser der Stadt sind nicht mit dem Fahrrad zu erreichen",
    ),
    make_asset_document("harbour lights.png", mime_type="image/png", size=90, first_seen=_moment(2019, 2, 2)),
]  # fmt: skip


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> TantivyReader:
    folder = tmp_path_factory.mktemp("index")
    build_index(folder, *DOCUMENTS)
    return TantivyReader(folder)


def _page(reader: TantivyReader, terms: str, **changes: Any) -> SearchPage:
    return reader.search(SearchQuery(SPACE, terms, **changes))


def _find(reader: TantivyReader, terms: str, **changes: Any) -> set[str]:
    return {hit.title for hit in _page(reader, terms, **changes).hits}


HARBOUR, MARKET, FILM, REPORT, LIGHTS = (each.filename for each in DOCUMENTS)


@pytest.mark.parametrize(
    ("terms", "titles"),
    [
        ("camera:leica", {HARBOUR}),
        ('camera:"leica q2"', {HARBOUR}),
        ('camera:"q2 leica"', set()),
        ("camera:can*", {MARKET}),
        ("camera:can", set()),
        ("-camera:leica camera:*eos", {MARKET}),
        ("artist:leica", set()),
        ("leica ", {HARBOUR}),
        ("lens:rf or codec:AAC", {MARKET, FILM}),
        ("size>10MB", {HARBOUR}),
        ("size:5mb..20mb", {HARBOUR, MARKET}),
        ("size:5242880", {MARKET}),
        ("size<300 -type:text", {LIGHTS}),
        ("size<=300 type:video", {FILM}),
        ("width>=8000", {HARBOUR}),
        ("width<8000", {MARKET}),
        ("-width>1", {FILM, REPORT, LIGHTS}),
        ("iso:100..400", {HARBOUR}),
        ("duration>1m", {FILM}),
        ("duration:..1m30s", set()),
        ("taken:2024", {HARBOUR}),
        ("taken:2023", {MARKET}),
        ("taken<2024", {MARKET}),
        ("taken:2024-05..2024-07", {HARBOUR}),
        ("taken:2024-06-01", {HARBOUR}),
        ("taken:2024-06-01T12:00", {HARBOUR}),
        ("taken>2024-06-01", set()),
        ("taken>=2023-12-31T23:59:59", {HARBOUR, MARKET}),
        ("seen:2020..2021", {FILM, REPORT}),
        ("near:52.5,13.4,10km", {HARBOUR}),
        ("near:52.5,13.4,500m", set()),
        ("near:-33.86,151.2,1", {MARKET}),
        ("near:0,0,20040", {HARBOUR, MARKET}),
        ("tag:old", {HARBOUR, MARKET}),
        ("tag:OLD -tag:boats", {MARKET}),
        ("ext:jpg", {HARBOUR, MARKET}),
        ("type:image/png", {LIGHTS}),
        ("year:2019", {LIGHTS}),
        ("name:lights", {LIGHTS}),
        ("comment:melons", {MARKET}),
        ("annotation:captain", {FILM}),
        ("text:fahrrad", {REPORT}),
        ("harbour tag:boats", {HARBOUR}),
        ("boat ", {HARBOUR, FILM}),
        ("haus ", {REPORT}),
    ],
)
def test_what_is_found(reader: TantivyReader, terms: str, titles: set[str]) -> None:
    assert _find(reader, terms) == titles


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ("boats size>big", "size: '>big' at character 7 .* say a size"),
        ("size:5MB..1MB", "it ends before it begins"),
        ("taken:2024-13", "a day, month or year"),
        ("taken:..", "a day, month or year"),
        ("near:91,0,1km", "a latitude, a longitude and how far"),
        ("near:here", "a latitude"),
        ("width:wide", "a number"),
        ("duration:long", "a time"),
        ("camera:!!!", "say a word"),
        ('tag:" "', "say what it must be"),
    ],
)
def test_what_cannot_be_understood_is_explained(terms: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        parse_terms(terms)


def test_what_looks_like_a_field_and_is_none_is_words(reader: TantivyReader) -> None:
    assert [term.words for term in parse_terms("12:30 http://x mycamera:leica camera: ").wanted] == [
        ("12", "30"), ("http", "x"), ("mycamera", "leica"), ("camera",)
    ]  # fmt: skip


def test_parts_that_one_may_not_see_are_not_searched(reader: TantivyReader) -> None:
    for part, terms in (
        (Part.TAGS, ("tag:old", "old ", "boats tag:boats")),
        (Part.COMMENTS, ("comment:melons", "melons ", "melon ")),
        (Part.ANNOTATIONS, ("annotation:captain", "captain ")),
    ):
        for each in terms:
            assert _find(reader, each), each
            assert not _find(reader, each, parts=frozenset(Part) - {part}), each
    [hit] = _page(reader, "market ", parts=frozenset(Part) - {Part.COMMENTS}, highlight=True).hits
    assert "melons" not in " ".join(hit.highlights)


def test_the_name_that_was_typed_comes_first(reader: TantivyReader) -> None:
    assert [hit.title for hit in _page(reader, "Harbour").hits] == [HARBOUR, LIGHTS]
    assert [hit.title for hit in _page(reader, "harbour lights").hits] == [LIGHTS]


def test_newer_ones_come_first_among_equals(tmp_path: Path) -> None:
    names = [f"boat {year}.jpg" for year in (2001, 2022, 2011)]
    documents = [make_asset_document(name, taken=_moment(int(name[5:9]), 1, 1)) for name in names]
    build_index(tmp_path, *documents)
    found = _page(TantivyReader(tmp_path), "boat ").hits
    assert [hit.title for hit in found] == ["boat 2022.jpg", "boat 2011.jpg", "boat 2001.jpg"]


def test_words_that_are_alike_are_found_if_nothing_else_is(reader: TantivyReader) -> None:
    page = _page(reader, "harbuor ")
    assert page.is_fuzzy
    assert {(hit.title, hit.matched_in) for hit in page.hits} == {(HARBOUR, "fuzzy"), (LIGHTS, "fuzzy")}
    assert not _page(reader, "harbour ").is_fuzzy
    assert _find(reader, "captian ") == {FILM}
    assert _find(reader, "captian ", parts=frozenset[Part]()) == set()
    nothing = _page(reader, "xyzzyxyzzy ")
    assert (nothing.total, nothing.is_fuzzy) == (0, False)


def test_hits_are_counted_by_their_values(reader: TantivyReader) -> None:
    page = _page(reader, "", facets=tuple(Facet), limit=1)
    counts = {facet: dict(values) for facet, values in page.facets.items()}
    assert counts == {
        Facet.TYPE: {"image": 3, "video": 1, "text": 1}, Facet.EXTENSION: {"jpg": 2, "mp4": 1, "txt": 1, "png": 1},
        Facet.YEAR: {"2024": 1, "2023": 1, "2020": 1, "2021": 1, "2019": 1},
        Facet.CAMERA: {"Leica Q2": 1, "Canon EOS R5": 1}, Facet.TAG: {"old": 1, "boats": 1, "Old": 1},
    }  # fmt: skip
    page = _page(reader, "camera:leica", facets=(Facet.TYPE,))
    assert page.facets == {Facet.TYPE: [("image", 1)]}


@pytest.mark.parametrize("sort", [SearchSort.NEWEST, SearchSort.OLDEST, SearchSort.SIZE])
def test_pages_go_on_behind_a_key(reader: TantivyReader, sort: SearchSort) -> None:
    whole = [hit.title for hit in _page(reader, "", sort=sort).hits]
    found: list[str] = []
    after = None
    while len(found) < len(whole):
        page = _page(reader, "", sort=sort, limit=2, after=after)
        assert page.total == len(whole)
        found += [hit.title for hit in page.hits]
        after = page.last_key
    assert found == whole
    assert _page(reader, "", sort=sort, limit=2, after=after).hits == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("the boats were in the harbour and it was late", "en"),
        ("der hund und die katze sind nicht im haus", "de"),
        ("les bateaux sont dans le port et une rue", "fr"),
        ("los barcos en el puerto y la calle", "es"),
        ("x y z", "en"),
        ("", "en"),
    ],
)
def test_the_language_of_a_text_is_told_by_its_common_words(text: str, language: str) -> None:
    assert guess_language(text.split()) == language


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    (a, b), (c, d) = ((math.radians(lat), math.radians(lon)) for lat, lon in (one, other))
    half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


@pytest.mark.parametrize("centre", [(52.5, 13.4), (0.0, 179.9), (-89.5, 10.0), (89.99, -170.0), (10.0, -179.99)])
@pytest.mark.parametrize("radius", [1.0, 120.0, 3000.0, 12_000.0])
def test_a_circle_is_covered_and_hardly_more(centre: tuple[float, float], radius: float) -> None:
    strips = read_circle(f"{centre[0]},{centre[1]},{radius}km")
    chance = random.Random(radius)
    inside = outside = 0
    for _ in range(600):
        # Evenly over the sphere, but near the centre if the circle is small.
        reach = min(180.0, 2.5 * math.degrees(radius / EARTH_KM))
        latitude = math.degrees(math.asin(max(-1, min(1, math.sin(math.radians(centre[0])) + chance.uniform(-2, 2)))))
        if reach < 90:
            latitude = max(-90, min(90, centre[0] + chance.uniform(-reach, reach)))
        longitude = chance.uniform(-180, 180)
        is_covered = any(
            strip.south <= latitude <= strip.north and strip.west <= longitude <= strip.east for strip in strips
        )
        if _distance(centre, (latitude, longitude)) <= radius:
            assert is_covered, (latitude, longitude)
            inside += 1
        else:
            outside += is_covered and _distance(centre, (latitude, longitude)) > 1.35 * radius
    assert outside == 0
