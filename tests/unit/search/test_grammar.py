"""How queries are understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidInput
from models.search.grammar import LONGEST_QUERY, MOST_WORDS, Term, parse_terms


def _words(text: str) -> list[list[Term]]:
    return [[term for term in terms if isinstance(term, Term)] for terms in parse_terms(text).alternatives]


def _simple(text: str) -> list[list[str]]:
    """Write the alternatives down as text: `-` for negation, `*` for a beginning."""
    return [
        [f"{'-' * term.is_negated}{' '.join(term.words)}{'*' * term.is_prefix}" for term in terms]
        for terms in _words(text)
    ]


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("red car", [["red", "car*"]]),
        ("red car ", [["red", "car"]]),
        ('"red car"', [["red car"]]),
        ('-"red car" blue', [["-red car", "blue*"]]),
        ("red -car", [["red", "-car"]]),
        ("red car or blue", [["red", "car"], ["blue*"]]),
        ("red OR blue Or green ", [["red"], ["blue"], ["green"]]),
        ("or", [["or*"]]),
        ("or or or", [["or"], ["or*"]]),
        ("red or", [["red", "or*"]]),
        ("red or !!!", [["red"]]),
        ("IMG_2041.jpg", [["img 2041 jpg*"]]),
        ("a - b", [["a", "b"]]),
        ("--a", [["-a"]]),
        ('5"x"', [["5", "x"]]),
        ("!!!", []),
        ('""', []),
    ],
)
def test_query_is_understood(text: str, alternatives: list[list[str]]) -> None:
    assert _simple(text) == alternatives


def test_only_a_query_without_text_is_empty() -> None:
    assert parse_terms(" \t").is_empty
    assert not parse_terms("!!!").is_empty


def test_single_word_is_also_searched_uncut() -> None:
    assert parse_terms("dsc0042 ").wanted == [Term(("dsc", "0042"), "dsc0042")]
    assert parse_terms("img_2041 ").wanted == [Term(("img", "2041"))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('red "car', "character 5"),
        ("red \x00", "Character 5"),
        ("a\ud800", "Character 2"),
        ("x" * (LONGEST_QUERY + 1), "characters"),
        ("a " * (MOST_WORDS + 1), f"from character {2 * MOST_WORDS + 1} on"),
        ("_".join("ab" * MOST_WORDS), "words"),
    ],
)
def test_refusal_says_where(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_terms(text)


@given(st.text(alphabet=st.sampled_from('ab "-or_\x00é文'), max_size=60))
def test_every_text_is_understood_or_refused(text: str) -> None:
    try:
        terms = parse_terms(text)
    except InvalidInput:
        return
    assert all(term.words for term in terms.wanted)
