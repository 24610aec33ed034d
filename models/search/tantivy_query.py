"""From what people typed to a query of tantivy's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from tantivy import FieldType, Occur, Query, Schema

from models.errors import InvalidInput
from models.search.field_query import ask, beginning, prefixed, words_in
from models.search.fields import FieldAsked
from models.search.grammar import Term, Terms
from models.search.port import Part, SearchQuery
from models.search.schema import (
    ANNOTATION,
    COMMENT,
    COMPOUND,
    KIND,
    MARK,
    MIME,
    NAME,
    PATH,
    SORT_DATE,
    SPACE_ID,
    STEM,
    TAG,
    TEXT,
    WHOLE,
    date_order,
    last_date_order,
)
from models.search.stems import all_stems
from models.search.words import LONGEST_WORD, sort_key

# Where a word stands is all that counts, and not how rare it is: tantivy counts words over all spaces, and a score made
# of that would tell whoever owns a document with a word whether others have one, too.
_WEIGHTS = {NAME: 4.0, KIND: 2.0, TEXT: 1.0}
_PART_WEIGHTS = {
    Part.PATHS: (PATH, 1.5), Part.TAGS: (TAG, 3.0), Part.COMMENTS: (COMMENT, 0.7), Part.ANNOTATIONS: (ANNOTATION, 1.5),
}  # fmt: skip
_COMPOUND_WEIGHT = 4.0
_STEM_SCORE = 0.6
"""A word of the same stem does not rank above the word itself."""
_PREFIX_SCORE = 0.1
"""A word that only begins as typed never ranks above the word itself."""
_WHOLE_SCORE = 8.0
"""What is called exactly what was typed comes first."""
_FUZZY_SCORE = 0.1
_LEAST_FUZZY, _MORE_FUZZY = 4, 8
"""Words of so many letters may have one letter wrong, or two."""
_TIE_BREAKER = 0.1
"""How much the fields count that match less well than the best one."""
_LONGEST_MIME = 127


def make_query(
    schema: Schema, query: SearchQuery, terms: Terms, languages: tuple[str, ...], *, is_fuzzy: bool = False
) -> Query:
    """Combine terms and restrictions. The space is always part of it, so a count tells nothing of other spaces.

    `languages` are those that the index has stems of.
    """
    clauses = [(Occur.Must, _in_space(schema, query.space_id))]
    if not terms.is_empty:
        spoken = languages if query.language is None else tuple({query.language} & {*languages})
        looking = _Looking(schema, query.parts, spoken, query.within, is_fuzzy)
        clauses.append((Occur.Must, looking.match(terms)))
        called = Query.term_query(schema, WHOLE, sort_key(query.terms).strip()[:LONGEST_WORD], "basic")
        clauses.append((Occur.Should, Query.const_score_query(called, _WHOLE_SCORE)))
    if query.mime:
        clauses.append((Occur.Must, _of_type(schema, query.mime)))
    if query.seen_from is not None or query.seen_to is not None:
        clauses.append((Occur.Must, _seen(schema, query.seen_from, query.seen_to)))
    clauses += [(Occur.Must, _marked(schema, group)) for group in query.must]
    if query.must_not:
        clauses.append((Occur.MustNot, _marked(schema, query.must_not)))
    return Query.boolean_query(clauses)


def _marked(schema: Schema, marks: Sequence[str]) -> Query:
    """Match what has one of the marks."""
    return Query.const_score_query(Query.term_set_query(schema, MARK, list(marks)), 0.0)


def _in_space(schema: Schema, space_id: UUID) -> Query:
    return Query.const_score_query(Query.term_query(schema, SPACE_ID, str(space_id), "basic"), 0.0)


def _of_type(schema: Schema, prefix: str) -> Query:
    if len(prefix) > _LONGEST_MIME:
        raise InvalidInput(f"A media type has at most {_LONGEST_MIME} characters")
    return Query.const_score_query(prefixed(schema, MIME, prefix.lower()), 0.0)


def _seen(schema: Schema, start: float | None, end: float | None) -> Query:
    lower = None if start is None else date_order(start)
    upper = None if end is None else last_date_order(end)
    return Query.const_score_query(Query.range_query(schema, SORT_DATE, FieldType.Integer, lower, upper), 0.0)


@dataclass(frozen=True)
class _Looking:
    """Where words are looked for."""

    schema: Schema
    parts: frozenset[Part]
    languages: tuple[str, ...]
    within: Part | None
    is_fuzzy: bool

    def match(self, terms: Terms) -> Query:
        """Match one of the alternatives. None at all is a text without a searchable word: it matches nothing."""
        return Query.boolean_query([(Occur.Should, self._all_of(each)) for each in terms.alternatives])

    def _all_of(self, terms: Sequence[Term | FieldAsked]) -> Query:
        clauses = [(Occur.MustNot if term.is_negated else Occur.Must, self._find(term)) for term in terms]
        if all(term.is_negated for term in terms):
            clauses.append((Occur.Must, Query.all_query()))
        return Query.boolean_query(clauses)

    def _find(self, term: Term | FieldAsked) -> Query:
        return self._anywhere(term) if isinstance(term, Term) else ask(self.schema, term, self.parts)

    def _anywhere(self, term: Term) -> Query:
        """Match a term in whichever field has it; the best field counts most."""
        if self.within is not None:
            return self._within(term, _PART_WEIGHTS[self.within][0])
        weights = _WEIGHTS | dict(_PART_WEIGHTS[part] for part in self.parts)
        fields = [
            Query.const_score_query(words_in(self.schema, field, term.words), weight)
            for field, weight in weights.items()
        ]
        # Compounds are of names and paths alike.
        whole = term.whole if Part.PATHS in self.parts else None
        if whole:
            fields.append(Query.const_score_query(words_in(self.schema, COMPOUND, (whole,)), _COMPOUND_WEIGHT))
        if term.is_prefix:
            found = [beginning(self.schema, field, term.words) for field in weights if field in _BEGINNING]
            if whole:
                found.append(prefixed(self.schema, COMPOUND, whole))
            fields += [Query.const_score_query(each, _PREFIX_SCORE) for each in found]
        if len(term.words) == 1:
            fields += self._alike(term.words[0], weights)
        return Query.disjunction_max_query(fields, _TIE_BREAKER)

    def _within(self, term: Term, field: str) -> Query:
        """Match a term in one field."""
        found = beginning if term.is_prefix else words_in
        return found(self.schema, field, term.words)

    def _alike(self, word: str, fields: Mapping[str, float]) -> Sequence[Query]:
        """Match words of the same stem, and if nothing else is found, words that are spelt nearly so."""
        found: list[Query] = []
        if stems := all_stems(word, self.languages):
            stemmed = [STEM, *(field for field in fields if field in _STEMMED)]
            found += [
                Query.const_score_query(Query.term_query(self.schema, field, stem, "basic"), _STEM_SCORE)
                for field in stemmed
                for stem in stems
            ]
        if self.is_fuzzy and len(word) >= _LEAST_FUZZY:
            distance = 2 if len(word) >= _MORE_FUZZY else 1
            nearly = [Query.fuzzy_term_query(self.schema, field, word, distance=distance) for field in fields]
            found += [Query.const_score_query(each, _FUZZY_SCORE) for each in nearly]
        return found


_BEGINNING = frozenset({NAME, PATH, TEXT, TAG})
_STEMMED = frozenset({TAG, COMMENT, ANNOTATION})
