"""From text to the words that are indexed: the same function for documents and for queries, so they always meet.

Accents and case are folded. A name is cut where people see words: `IMG_2041.jpg` is `img 2041 jpg`, `holidayInRome`
is `holiday in rome`. Scripts that put no spaces between words (Han, kana, Thai …) are cut into characters; a phrase
of them finds the word again.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_WORD = 255
"""Characters of one word that count; as long as a file name can be."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(r"[^\W_]+")
_ZEROS = re.compile(r"(?<!\d)0\d*")
_PART = re.compile(rf"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[{_UNSPACED}]|[^\W\d_A-Za-z{_UNSPACED}]+")
# Letters that Unicode does not see as a base letter with an accent, but readers do.
_LETTERS = str.maketrans("øØđĐłŁħĦðÐ\N{LATIN SMALL LETTER DOTLESS I}", "oOdDlLhHdDi") | str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH"}
)


def fold(text: str) -> str:
    """Take the accents off; the case stays, for it shows where words begin."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text).translate(_LETTERS)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def split_words(text: str) -> list[str]:
    """Give the words of a text in their order."""
    return [part[:LONGEST_WORD].casefold() for part in _PART.findall(fold(text))]


def fact_words(text: str) -> list[str]:
    """Give the words of a fact, which are not cut where case changes: an `iPhone` is one word."""
    runs = _RUN.findall(fold(text))
    return [word for run in runs for word in ([run[:LONGEST_WORD].casefold()] if run.isascii() else split_words(run))]


def join_words(text: str) -> str:
    """Give the words of a text in their order, with spaces between."""
    if len(text) > LONGEST_WORD:
        return " ".join(split_words(text))
    # Folding the case once instead of word by word: indexing spends most of its time here.
    return " ".join(_PART.findall(fold(text))).casefold()


def cut_name(name: str) -> tuple[str, list[str]]:
    """Give the words of a name as `join_words` does, and what else it can be found by.

    That is, in no order: uncut runs (`dsc0042`), and numbers without zeros (`42`).
    """
    folded = fold(name)
    parts, runs = _PART.findall(folded), _RUN.findall(folded)
    compounds = []
    if len(parts) != len(runs):
        compounds = [run for run in runs if not _is_plain(run) and len(_PART.findall(run)) > 1]
    if "0" in folded:
        compounds += [number.lstrip("0") or "0" for number in _ZEROS.findall(folded)]
    if len(name) > LONGEST_WORD:
        parts, compounds = ([word[:LONGEST_WORD] for word in words] for words in (parts, compounds))
    return " ".join(parts).casefold(), [word.casefold() for word in compounds]


def _is_plain(run: str) -> bool:
    """Tell quickly that most runs are one word."""
    return run.isdigit() or (run.isascii() and run.isalpha() and (run.islower() or run.isupper() or run.istitle()))


def whole_word(text: str) -> str | None:
    """Give a text that is one run of letters and digits, uncut and folded; None when it is not."""
    folded = fold(text)
    return folded[:LONGEST_WORD].casefold() if _RUN.fullmatch(folded) else None


def sort_key(text: str) -> str:
    """Give what a name is sorted by: without regard to case and accents."""
    return fold(text).casefold()
