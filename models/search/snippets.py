"""Where a hit matches, and the words around the match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from models.search.grammar import Term
from models.search.schema import Source
from models.search.words import split_words, whole_word

_LONGEST_SNIPPET = 160
_MOST_SNIPPETS = 3
_CHUNK = re.compile(r"\S+")


def matched_in(source: Source, terms: Sequence[Term]) -> str:
    """Name the first place that has one of the words: `title`, `subtitle`, `keywords` or `body`."""
    if not terms or _has_any([source.filename], terms):
        return "title"
    if _has_any(source.paths, terms):
        return "subtitle"
    return "keywords" if _has_any([source.mime_type, *source.tags, *source.facts], terms) else "body"


def highlights(source: Source, terms: Sequence[Term]) -> list[str]:
    """Give plain-text snippets around the first matches, at most one from each place."""
    places = [
        source.filename, *source.paths, source.text, *source.tags, *source.facts, *source.annotations, *source.comments
    ]  # fmt: skip
    snippets = (_snippet(place, terms) for place in places)
    return [snippet for snippet in snippets if snippet][:_MOST_SNIPPETS]


def _has_any(texts: Iterable[str], terms: Sequence[Term]) -> bool:
    return any(_has(text, term) for text in texts for term in terms)


def _has(text: str, term: Term) -> bool:
    # Folding leaves ASCII as it is: what does not contain the letters need not be cut into words.
    if text.isascii() and term.words[-1] not in text.lower():
        return False
    words = split_words(text)
    if term.whole and any(_fits(whole_word(run) or "", term.whole, term) for run in re.findall(r"[^\W_]+", text)):
        return True
    return any(_fits(word, term.words[-1], term) for word in words) and set(term.words[:-1]) <= set(words)


def _fits(word: str, wanted: str, term: Term) -> bool:
    return word.startswith(wanted) if term.is_prefix else word == wanted


def _snippet(text: str, terms: Sequence[Term]) -> str | None:
    """Cut the surroundings of the first chunk of text that has one of the words."""
    for chunk in _CHUNK.finditer(text):
        if any(_touches(chunk[0], term) for term in terms):
            start = max(0, min(chunk.start() - _LONGEST_SNIPPET // 3, len(text) - _LONGEST_SNIPPET))
            return text[start : start + _LONGEST_SNIPPET].strip()
    return None


def _touches(chunk: str, term: Term) -> bool:
    return any(word in term.words for word in split_words(chunk)) or _has(chunk, term)
