"""Stems of words, so that `boats` finds `boat`: by the language of a text, where that can be told.

A stem is written as `en:boat`, so that one field of the index holds all languages. What cannot be told is taken as
`DEFAULT`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import tantivy

LANGUAGES = {
    "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "it": "italian", "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ru": "russian", "sv": "swedish",
}  # fmt: skip
"""Those whose stems are known, by their codes (ISO 639-1)."""
DEFAULT = "en"
_COMMON = {
    "da": "og det er en til af den ikke der med jeg har han hun men var et fra vi som",
    "de": "der die und das ist nicht ein eine zu den von mit sich auf dem des wie auch im fur",
    "en": "the and of to is in that it was for with on are this be at by from have not",
    "es": "el la de que y los las en un una por con para es su al lo como del mas",
    "fi": "ja on ei se etta han oli mutta kun niin myos ovat joka tai mita olen sen han ollut kuin",
    "fr": "le la les des et un une est que dans qui pour du pas au sur ne plus avec ce",
    "it": "il di che la e un una per non sono con del della gli le si da come anche alla",
    "nl": "de het een en van is dat niet te op zijn voor met die er aan ook als maar bij",
    "no": "og det er en til av den ikke som med jeg har han hun men var et fra vi pa",
    "pt": "o a de que e do da em um uma para com nao os as no na por mais dos",
    "ru": "и в не на что с он как это по но из у за от все так бы же вы",  # noqa: RUF001 - Russian
    "sv": "och det ar en att som av den inte till med jag har han hon men var ett fran vi",
}  # fmt: skip
"""The twenty words without which hardly a paragraph of a language does, with their accents taken off."""
_CODES: dict[str, list[str]] = {}
for _code, _words in _COMMON.items():
    for _word in dict.fromkeys(_words.split()):
        _CODES.setdefault(_word, []).append(_code)
_LOOKED_AT, _FEWEST_COMMON = 400, 3
_SHORTEST = 3
"""A word that is shorter is its own stem, and too common to be found by one."""


def guess_language(words: Sequence[str]) -> str:
    """Tell the language of a text by the words that are common in it; `DEFAULT` if too few are."""
    if len(words) < _FEWEST_COMMON:
        return DEFAULT
    found: Counter[str] = Counter()
    for word in words[:_LOOKED_AT]:
        if word in _CODES:
            found.update(_CODES[word])
    if not found:
        return DEFAULT
    # Of those that are as likely, the default, then the first of the list.
    best = max(LANGUAGES, key=lambda code: (found[code], code == DEFAULT))
    return best if found[best] >= _FEWEST_COMMON else DEFAULT


def stems_of(words: Iterable[str], language: str) -> list[str]:
    """Give the stems of folded words in a language, each once. A number has none but itself."""
    told = (word for word in dict.fromkeys(words) if len(word) >= _SHORTEST and not word.isdigit())
    return list(dict.fromkeys(_stem_of(word, language) for word in told))


def language_mark(language: str) -> str:
    """Give what is written beside the stems of each text in a language, so that an index tells which it has."""
    return f"{language}:"


@lru_cache(maxsize=4096)
def all_stems(word: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    """Give the stems of one word in each of these languages."""
    return tuple(stem for code in languages for stem in stems_of([word], code))


@lru_cache(maxsize=32_768)
def _stem_of(word: str, language: str) -> str:
    return f"{language}:{_analyzer(language).analyze(word)[0]}"


@lru_cache(maxsize=len(LANGUAGES))
def _analyzer(language: str) -> tantivy.TextAnalyzer:
    stemmer = tantivy.Filter.stemmer(LANGUAGES[language])
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).filter(stemmer).build()
