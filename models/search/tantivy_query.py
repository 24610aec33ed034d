"""From what people typed to a query of tantivy's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from tantivy import FieldType, Occur, Query, Schema

from models.errors import InvalidInput
from models.search.grammar import Term, Terms
from models.search.port import SearchQuery
from models.search.schema import (
    COMPOUND,
    KIND,
    MARK,
    MIME,
    NAME,
    PATH,
    SORT_DATE,
    SPACE_ID,
    TEXT,
    date_order,
    last_date_order,
)

# Where a word stands is all that counts, and not how rare it is: tantivy counts words over all spaces, and a score made
# of that would tell whoever owns a document with a word whether others have one, too.
_WEIGHTS = {NAME: 4.0, KIND: 2.0, PATH: 1.5, TEXT: 1.0}
_COMPOUND_WEIGHT = 4.0
_PREFIX_SCORE = 0.1
"""A word that only begins as typed never ranks above the word itself."""
_TIE_BREAKER = 0.1
"""How much the fields count that match less well than the best one."""
_LONGEST_MIME = 127


def make_query(schema: Schema, query: SearchQuery, terms: Terms) -> Query:
    """Combine terms and restrictions. The space is always part of it, so a count tells nothing of other spaces."""
    clauses = [(Occur.Must, _in_space(schema, query.space_id))]
    if not terms.is_empty:
        clauses.append((Occur.Must, _match(schema, terms, has_paths=query.has_paths)))
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
    return Query.const_score_query(_prefix(schema, MIME, prefix.lower()), 0.0)


def _seen(schema: Schema, start: float | None, end: float | None) -> Query:
    lower = None if start is None else date_order(start)
    upper = None if end is None else last_date_order(end)
    return Query.const_score_query(Query.range_query(schema, SORT_DATE, FieldType.Integer, lower, upper), 0.0)


def _match(schema: Schema, terms: Terms, *, has_paths: bool) -> Query:
    # No alternative at all is a text without a searchable word: it matches nothing.
    find = _anywhere if has_paths else _outside_paths
    return Query.boolean_query([(Occur.Should, _all_of(schema, each, find)) for each in terms.alternatives])


def _all_of(schema: Schema, terms: tuple[Term, ...], find: Callable[[Schema, Term], Query]) -> Query:
    clauses = [(Occur.MustNot if term.is_negated else Occur.Must, find(schema, term)) for term in terms]
    if all(term.is_negated for term in terms):
        clauses.append((Occur.Must, Query.all_query()))
    return Query.boolean_query(clauses)


def _anywhere(schema: Schema, term: Term) -> Query:
    """Match a term in whichever field has it; the best field counts most."""
    fields = [Query.const_score_query(_words(schema, field, term.words), weight) for field, weight in _WEIGHTS.items()]
    if term.whole:
        fields.append(Query.const_score_query(_words(schema, COMPOUND, (term.whole,)), _COMPOUND_WEIGHT))
    if term.is_prefix:
        beginnings = [_beginning(schema, field, term.words) for field in (NAME, PATH, TEXT)]
        if term.whole:
            beginnings.append(_prefix(schema, COMPOUND, term.whole))
        fields += [Query.const_score_query(beginning, _PREFIX_SCORE) for beginning in beginnings]
    return Query.disjunction_max_query(fields, _TIE_BREAKER)


def _outside_paths(schema: Schema, term: Term) -> Query:
    """Match a term in what is no path; compounds are of names and paths alike, so they are left out too."""
    weights = {field: weight for field, weight in _WEIGHTS.items() if field != PATH}
    fields = [Query.boost_query(_words(schema, field, term.words), weight) for field, weight in weights.items()]
    if term.is_prefix:
        fields += [
            Query.const_score_query(_beginning(schema, field, term.words), _PREFIX_SCORE) for field in (NAME, TEXT)
        ]
    return Query.disjunction_max_query(fields, _TIE_BREAKER)


def _words(schema: Schema, field: str, words: tuple[str, ...]) -> Query:
    if len(words) == 1:
        return Query.term_query(schema, field, words[0], "basic")
    return Query.phrase_query(schema, field, list(words))


def _beginning(schema: Schema, field: str, words: tuple[str, ...]) -> Query:
    """Match a field that has a word beginning like the last one, and the words before it in their order.

    Not tantivy's phrase with a prefix: that reads the positions of every common word (30 ms where this takes 1).
    """
    beginning = _prefix(schema, field, words[-1])
    if len(words) == 1:
        return beginning
    return Query.boolean_query([(Occur.Must, _words(schema, field, words[:-1])), (Occur.Must, beginning)])


def _prefix(schema: Schema, field: str, text: str) -> Query:
    # An edit distance of zero: unlike the regular expression, it has no characters that need to be escaped.
    return Query.fuzzy_term_query(schema, field, text, distance=0, prefix=True)
