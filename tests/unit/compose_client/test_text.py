from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.client.text import clean, counters_text, duration_text, progress_text, size_text


@given(st.text())
def test_cleaned_text_has_nothing_that_a_terminal_obeys(text: str) -> None:
    cleaned = clean(text)
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in cleaned)
    assert not set(cleaned) & set("\u202e\u2066\u2028\u200f\ufeff")
    cleaned.encode()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("line\nbreak", "line\\x0abreak"),
        ("evil\u202egpj.exe", "evil\\u202egpj.exe"),
        ("\udcff", "\\udcff"),
        ("Grüße 写真 🦊 [red]", "Grüße 写真 🦊 [red]"),
    ],
)
def test_control_characters_become_visible(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (5e12, "5.0 TB"), (9e18, "9000.0 PB")],
)
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.44, "0.4 s"), (59.2, "59 s"), (61, "1 min 1 s"), (7322, "2 h 2 min"), (90_000, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_every_number_of_a_result_is_shown_even_an_unknown_one() -> None:
    result = {"bytes": 2_000_000, "bloomFilterMisses": 7, "missing": 1, "new": 3, "note": "text", "wasFull": True}
    assert counters_text(result) == "new 3, missing 1, bytes 2.0 MB, bloom filter misses 7"


def test_progress_without_a_total_shows_only_what_is_known() -> None:
    assert progress_text({"done": 5, "failed": 0, "skipped": 0}) == "5"
    full = {"total": 10, "done": 4, "failed": 1, "skipped": 0, "percent": 50, "perSecond": 2, "etaSeconds": 2.5}
    assert progress_text(full) == "5 of 10, 50 %, 1 failed, 2/s, 2.5 s left"
