"""Searching a real index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import InvalidInput, Unavailable
from models.ids import new_id
from models.search import DEEPEST_HIT, Part, SearchPage, SearchQuery, SearchSort, TantivyReader, TantivyWriter
from tests.support.documents import SPACE, build_generation, build_index, make_asset_document, make_index_state
from tests.support.waiting import wait_until

DOCUMENTS = [
    make_asset_document("IMG_2041.jpg", paths=["Trips/Rome 2024/IMG_2041.jpg"], size=5, first_seen=1.7e9 + 3),
    make_asset_document("holidayInRome.MP4", mime_type="video/mp4", size=4, first_seen=1.7e9 + 2),
    make_asset_document("Été à Paris.png", mime_type="image/png", size=3, first_seen=1.7e9 + 1),
    make_asset_document("DSC0042.JPG", size=2, text="A red bicycle\nleans at the wall", first_seen=1.7e9),
    make_asset_document("東京タワー.pdf", mime_type="application/pdf", size=1, first_seen=1.6e9),
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> TantivyReader:
    folder = tmp_path_factory.mktemp("index")
    elsewhere = make_asset_document("IMG_2041.jpg", space_id=new_id())
    build_index(folder, *DOCUMENTS, elsewhere)
    return TantivyReader(folder)


def _find(reader: TantivyReader, terms: str, **changes: Any) -> list[str]:
    return [hit.title for hit in _page(reader, terms, **changes).hits]


def _page(reader: TantivyReader, terms: str, **changes: Any) -> SearchPage:
    return reader.search(SearchQuery(SPACE, terms, **changes))


@pytest.mark.parametrize(
    ("terms", "titles"),
    [
        ("2041", ["IMG_2041.jpg"]),
        ("img", ["IMG_2041.jpg"]),
        ("img_20", ["IMG_2041.jpg"]),
        ("img2041 ", ["IMG_2041.jpg"]),
        ("dsc 42", ["DSC0042.JPG"]),
        ("dsc0042 ", ["DSC0042.JPG"]),
        ("dsc004", ["DSC0042.JPG"]),
        ("holidayinrome ", ["holidayInRome.MP4"]),
        ("hol", ["holidayInRome.MP4"]),
        ("hol ", []),
        ("ETE paris", ["Été à Paris.png"]),
        ("東京", ["東京タワー.pdf"]),
        ("京東", []),
        ("trips", ["IMG_2041.jpg"]),
        ('"rome 2024"', ["IMG_2041.jpg"]),
        ('"2024 rome"', []),
        ("video/mp4", ["holidayInRome.MP4"]),
        ("jpeg bicycle", ["DSC0042.JPG"]),
        ("image -2041 -png", ["DSC0042.JPG"]),
        ("paris or bicycle", ["DSC0042.JPG", "Été à Paris.png"]),
        ("-image", ["holidayInRome.MP4", "東京タワー.pdf"]),
        ("!!!", []),
    ],
)
def test_assets_are_found(reader: TantivyReader, terms: str, titles: list[str]) -> None:
    assert sorted(_find(reader, terms)) == sorted(titles)


def test_empty_query_gives_everything_of_the_space_newest_first(reader: TantivyReader) -> None:
    assert _find(reader, "") == [document.filename for document in DOCUMENTS]
    assert _page(reader, "").total == len(DOCUMENTS)


def test_other_spaces_are_neither_shown_nor_counted(reader: TantivyReader) -> None:
    assert _page(reader, "2041").total == 1
    assert reader.search(SearchQuery(new_id(), "2041")).total == 0


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (SearchSort.NEWEST, [0, 1, 2, 3, 4]),
        (SearchSort.OLDEST, [4, 3, 2, 1, 0]),
        (SearchSort.SIZE, [0, 1, 2, 3, 4]),
        (SearchSort.NAME, [3, 2, 1, 0, 4]),
    ],
)
def test_hits_are_sorted(reader: TantivyReader, sort: SearchSort, order: list[int]) -> None:
    assert _find(reader, "", sort=sort) == [DOCUMENTS[index].filename for index in order]


def test_best_match_comes_first_and_a_whole_word_before_a_beginning(tmp_path: Path) -> None:
    names = ["romeo.jpg", "rome.jpg", "other.jpg"]
    build_index(tmp_path, *[make_asset_document(name, paths=["rome/x"] if "other" in name else ()) for name in names])
    assert _find(TantivyReader(tmp_path), "rome") == ["rome.jpg", "other.jpg", "romeo.jpg"]


def test_restrictions_narrow_the_hits(reader: TantivyReader) -> None:
    assert _find(reader, "", mime="IMAGE/J") == ["IMG_2041.jpg", "DSC0042.JPG"]
    assert _find(reader, "", mime="image/.*") == []
    assert _find(reader, "", seen_from=1.7e9 + 1, seen_to=1.7e9 + 2) == ["holidayInRome.MP4", "Été à Paris.png"]
    assert _find(reader, "", seen_to=1.6e9) == ["東京タワー.pdf"]


def test_hit_tells_where_it_matches(reader: TantivyReader) -> None:
    [hit] = _page(reader, "bicycle", highlight=True).hits
    assert (hit.matched_in, list(hit.highlights)) == ("body", ["A red bicycle\nleans at the wall"])
    assert _page(reader, "trips").hits[0].matched_in == "subtitle"
    assert _page(reader, "mp4 video").hits[0].matched_in == "title"
    assert _page(reader, "pdf application").hits[0].matched_in == "title"
    assert _page(reader, "application").hits[0].matched_in == "keywords"
    assert _page(reader, "trips").hits[0].subtitle == "Trips/Rome 2024/IMG_2041.jpg"
    assert not _page(reader, "trips").hits[0].highlights


@pytest.mark.parametrize("sort", SearchSort)
def test_pages_neither_skip_nor_repeat(tmp_path: Path, sort: SearchSort) -> None:
    documents = [make_asset_document("same.jpg") for _ in range(50)]
    build_index(tmp_path, *documents)
    reader = TantivyReader(tmp_path)
    seen = [
        hit.asset_id
        for offset in range(0, 50, 7)
        for hit in _page(reader, "same", sort=sort, limit=7, offset=offset).hits
    ]
    assert sorted(seen) == sorted(document.asset_id for document in documents)


@pytest.mark.parametrize(
    "changes",
    [{"limit": 0}, {"limit": -1}, {"limit": 10**9}, {"offset": -1}, {"offset": DEEPEST_HIT}, {"mime": "x" * 200}],
)
def test_bounds_are_kept(reader: TantivyReader, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        _page(reader, "img", **changes)


_HOSTILE = st.one_of(
    st.text(max_size=1100),
    st.text(alphabet=st.sampled_from('ab" -or_./:*?~^[]{}()+\\\x00\ud800é文0'), max_size=200),
    st.lists(st.sampled_from(["a", "-b", '"c d"', "or", "IMG_1", "文", "-", '"']), max_size=300).map(" ".join),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_HOSTILE, st.sampled_from(SearchSort), st.one_of(st.none(), st.text(max_size=140)))
def test_hostile_queries_are_answered_or_refused(
    reader: TantivyReader, terms: str, sort: SearchSort, mime: str | None
) -> None:
    try:
        page = _page(reader, terms, sort=sort, highlight=True, mime=mime)
    except InvalidInput:
        return
    assert len(page.hits) <= page.total <= len(DOCUMENTS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(max_size=300), st.text(max_size=60), st.text(max_size=60)), max_size=5))
def test_any_text_can_be_indexed_and_read_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[tuple[str, str, str]]
) -> None:
    documents = [make_asset_document(name, mime_type=kind, paths=[text], text=text) for name, kind, text in texts]
    folder = tmp_path_factory.mktemp("any")
    build_index(folder, *documents)
    for sort in SearchSort:
        titles = _find(TantivyReader(folder), "", sort=sort)
        assert sorted(titles) == sorted(name for name, _, _ in texts)


def test_extreme_numbers_keep_their_order(tmp_path: Path) -> None:
    sizes = [0, 1, 2**40, 2**63 - 1]
    moments = [-1e18, 0.0, 1.7e9, 1e18]
    build_index(
        tmp_path,
        *[make_asset_document(f"{n}", size=size, first_seen=moments[n]) for n, size in enumerate(sizes)],
    )
    reader = TantivyReader(tmp_path)
    assert _find(reader, "", sort=SearchSort.SIZE) == ["3", "2", "1", "0"]
    assert _find(reader, "", sort=SearchSort.OLDEST) == ["0", "1", "2", "3"]


def test_without_an_index_nothing_is_available(tmp_path: Path) -> None:
    reader = TantivyReader(tmp_path / "none")
    with pytest.raises(Unavailable):
        _page(reader, "img")
    assert reader.document_count() is None
    assert reader.state() is None


def test_reader_notices_commits_and_new_generations(tmp_path: Path) -> None:
    home = build_index(tmp_path, DOCUMENTS[0])
    reader = TantivyReader(tmp_path)
    assert reader.document_count() == 1

    generation = home.current()
    assert generation
    writer = TantivyWriter(generation)
    writer.replace([DOCUMENTS[1].asset_id], [DOCUMENTS[1]])
    writer.commit(make_index_state())
    wait_until(lambda: reader.document_count() == 2)
    writer.replace([DOCUMENTS[0].asset_id], [])
    writer.commit(make_index_state())
    wait_until(lambda: reader.document_count() == 1)
    writer.close()

    build_generation(home, DOCUMENTS)
    with home.building():
        home.remove_others()
    wait_until(lambda: reader.document_count() == len(DOCUMENTS))
    home.unpublish()
    wait_until(lambda: reader.document_count() is None)


def test_reader_refuses_an_index_of_another_schema(tmp_path: Path) -> None:
    home = build_index(tmp_path, *DOCUMENTS)
    generation = home.current()
    assert generation
    generation.write_state(make_index_state(schema=0))
    with pytest.raises(Unavailable):
        _page(TantivyReader(tmp_path), "img")


def test_replacing_an_asset_leaves_one_document(tmp_path: Path) -> None:
    asset = make_asset_document("before.jpg")
    home = build_index(tmp_path, asset)
    generation = home.current()
    assert generation
    writer = TantivyWriter(generation)
    for _ in range(2):
        writer.replace([asset.asset_id], [make_asset_document("after.jpg", asset_id=asset.asset_id)])
    writer.commit(make_index_state())
    writer.close()
    assert _find(TantivyReader(tmp_path), "") == ["after.jpg"]


_NO_PATHS = frozenset(Part) - {Part.PATHS}


def test_without_paths_nothing_of_them_is_found_or_shown(reader: TantivyReader) -> None:
    for terms in ("trips", "tri", '"rome 2024"', "rome 2024"):
        assert _find(reader, terms, parts=_NO_PATHS) == [], terms
    assert "IMG_2041.jpg" in _find(reader, "-rome", parts=_NO_PATHS)
    [hit] = _page(reader, "2041 ", parts=_NO_PATHS, highlight=True).hits
    assert (hit.title, hit.subtitle, list(hit.highlights)) == ("IMG_2041.jpg", None, ["IMG_2041.jpg"])
    assert _find(reader, "hol", parts=_NO_PATHS) == ["holidayInRome.MP4"]
    assert _find(reader, "jpeg bicycle", parts=_NO_PATHS) == ["DSC0042.JPG"]
