"""How text becomes words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.search.words import LONGEST_WORD, cut_name, fold, join_words, sort_key, split_words, whole_word


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("IMG_2041.jpg", ["img", "2041", "jpg"]),
        ("holidayInRome-2024.MP4", ["holiday", "in", "rome", "2024", "mp", "4"]),
        ("HTTPServer", ["http", "server"]),
        ("Été à Zürich", ["ete", "a", "zurich"]),
        ("Straße", ["strasse"]),
        ("Łódź smørrebrød", ["lodz", "smorrebrod"]),
        ("Жизнь2020", ["жизнь", "2020"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("e\u0301te\u0301", ["ete"]),
        ("image/jpeg", ["image", "jpeg"]),
        ("!!! \x00 \ud800", []),
        ("", []),
    ],
)
def test_text_is_cut_where_people_see_words(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_compounds_are_also_kept_whole() -> None:
    assert cut_name("DSC0042 holidayInRome plain.jpg")[1] == ["dsc0042", "holidayinrome", "42"]
    assert whole_word("holidayInRome") == "holidayinrome"
    assert whole_word("two words") is None


def test_names_sort_without_case_and_accents() -> None:
    assert sorted(["zebra", "Éclair", "apple"], key=sort_key) == ["apple", "Éclair", "zebra"]


@given(st.text())
def test_words_are_never_empty_or_long_and_hold_no_space(text: str) -> None:
    for word in split_words(text) + cut_name(text)[1]:
        assert word
        assert not any(char.isspace() for char in word)
        # Case folding may make one character into up to three.
        assert len(word) <= 3 * LONGEST_WORD


@given(st.text())
def test_words_are_found_again_by_themselves(text: str) -> None:
    assert join_words(text).split() == split_words(text)
    assert cut_name(text)[0] == join_words(text)
    for word in split_words(text):
        assert "".join(split_words(word)) == word


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF)))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
