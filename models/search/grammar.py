"""What people type into a search box.

Words must all be there; `"several words"` must follow each other; `-word` must not be there; `or` between two words
separates whole alternatives: `red car or blue` is (red and car) or blue. Where `or` cannot be an operator, it is a
word. The word that the text ends with is taken as a beginning, so results appear while it is typed.
`field:word`, `field:"several words"`, `field:begin*`, `field>5` and `field:1..5` ask for a field
(`models.search.fields`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.errors import InvalidInput
from models.ids import is_storable
from models.search.fields import NAMES, FieldAsked, read_field
from models.search.words import split_words, whole_word

LONGEST_QUERY = 1000
MOST_WORDS = 100
_SHORTEST_PREFIX = 2
"""A single letter begins too many words for a list of them to be of use, or cheap."""

_FIELD = rf'(?P<field>{"|".join(sorted(NAMES))})(?:[:=]|(?=[<>]))(?:"(?P<quoted>[^"]*)"|(?P<value>[^\s"]+))'
_TOKEN = re.compile(rf'(?P<minus>-?)(?:{_FIELD}|"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))', re.IGNORECASE)


@dataclass(frozen=True)
class Term:
    """Words that must follow each other. `whole` is what they were typed as, when that is one uncut word."""

    words: tuple[str, ...]
    whole: str | None = None
    is_negated: bool = False
    is_prefix: bool = False


@dataclass(frozen=True)
class Terms:
    """Alternatives, each a list of terms that must all hold.

    `is_empty` tells a text without any term (which matches everything) from one without a searchable word
    (which matches nothing).
    """

    alternatives: tuple[tuple[Term | FieldAsked, ...], ...]
    is_empty: bool = False

    @property
    def wanted(self) -> list[Term]:
        """All terms that a hit may contain."""
        everything = (term for terms in self.alternatives for term in terms)
        return [term for term in everything if isinstance(term, Term) and not term.is_negated]


def parse_terms(text: str) -> Terms:
    """Understand a query.

    Raises:
        InvalidInput: when it is too long, holds characters that no text has, a quotation mark is left open, or a field
            cannot have what is asked of it.
    """
    _check(text)
    if not text.strip():
        return Terms((), is_empty=True)
    alternatives: list[list[Term | FieldAsked]] = [[]]
    tokens = list(_TOKEN.finditer(text))
    for number, token in enumerate(tokens):
        if _is_operator(token) and alternatives[-1] and number + 1 < len(tokens):
            alternatives.append([])
        elif token["field"]:
            alternatives[-1].append(_field(token))
        elif term := _term(token, is_last=token.end() == len(text)):
            alternatives[-1].append(term)
    _check_count(tokens)
    return Terms(tuple(tuple(terms) for terms in alternatives if terms))


def _check(text: str) -> None:
    if len(text) > LONGEST_QUERY:
        raise InvalidInput(f"A search has at most {LONGEST_QUERY} characters")
    if not is_storable(text):
        position = next(index for index, char in enumerate(text, 1) if not is_storable(char))
        raise InvalidInput(f"Character {position} of the search is not text")
    if text.count('"') % 2:
        position = text.rindex('"') + 1
        raise InvalidInput(f"The quotation mark at character {position} of the search is not closed")


def _check_count(tokens: list[re.Match[str]]) -> None:
    count = 0
    for token in tokens:
        count += len(split_words(token[0]))
        if count > MOST_WORDS:
            raise InvalidInput(
                f"A search has at most {MOST_WORDS} words; there are more from character {token.start() + 1} on"
            )


def _is_operator(token: re.Match[str]) -> bool:
    return token[0].lower() == "or"


def _field(token: re.Match[str]) -> FieldAsked:
    name, text = token["field"].lower(), token["value"] if token["quoted"] is None else token["quoted"]
    try:
        return read_field(name, text, is_quoted=token["quoted"] is not None, is_negated=bool(token["minus"]))
    except ValueError as error:
        raise InvalidInput(
            f"{name}: '{text[:80]}' at character {token.start() + 1} of the search cannot be understood: {error}"
        ) from None


def _term(token: re.Match[str], *, is_last: bool) -> Term | None:
    phrase, word, is_negated = token["phrase"], token["word"], bool(token["minus"])
    words = tuple(split_words(word if phrase is None else phrase))
    if not words:
        return None
    if phrase is not None:
        return Term(words, is_negated=is_negated)
    is_prefix = is_last and not is_negated and len(words[-1]) >= _SHORTEST_PREFIX
    return Term(words, whole_word(word), is_negated, is_prefix)
