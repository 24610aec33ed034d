"""The grammar of filters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bodies.filters import (
    bool_filter,
    enum_filter,
    instant_filter,
    number_filter,
    read_filters,
    read_size,
    size_filter,
    text_filter,
    uuid_filter,
)
from models.entities import Asset, Task, TaskState
from models.errors import InvalidInput

RULES = {
    "size": size_filter(Asset.size),
    "name": text_filter(Asset.filename),
    "created": instant_filter(Asset.created),
    "uuid": uuid_filter(Asset.id),
    "state": enum_filter(Task.state, TaskState),
    "planned": bool_filter(Task.is_planned),
    "attempt": number_filter(Task.attempt),
}


def _sql(*terms: str) -> list[str]:
    conditions = read_filters(terms, RULES)
    return [str(condition.compile(compile_kwargs={"literal_binds": True})) for condition in conditions]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("1", 1), ("1B", 1), ("1kb", 1000), ("1MB", 10**6), ("1 MB", 10**6), (" 12 g b ", 12 * 10**9),
        ("1KiB", 1024), ("1.5 GiB", 1536 * 1024**2), ("0.1MB", 100_000), ("8EiB", None),
        ("9223372036854775807", 2**63 - 1), ("9223372036854775808", None), ("1iB", None), ("-1", None), ("", None),
        ("MB", None), ("1e3", None), ("\u0661", None), ("1.2.3", None), ("1" * 5000, None),
    ],
)  # fmt: skip
def test_sizes(text: str, size: int | None) -> None:
    if size is None:
        with pytest.raises(ValueError, match="size"):
            read_size(text)
    else:
        assert read_size(text) == size


def test_terms_are_anded_in_every_form() -> None:
    assert _sql("size[gte]=1MB,size[lte]=2MB") == ["asset.size >= 1000000", "asset.size <= 2000000"]
    assert _sql("size[gte]=1MB", "attempt[eq]=-3") == ["asset.size >= 1000000", "task.attempt = -3"]
    nested = read_filters([], RULES, [("filter[size][gte]", "1")])
    assert len(nested) == 1


@pytest.mark.parametrize("text", ["1GB_42GB", "1GB-42GB", "1 GB - 42 GB"])
def test_ranges_of_sizes(text: str) -> None:
    assert _sql(f"size[range]={text}") == ["asset.size BETWEEN 1000000000 AND 42000000000"]


def test_ranges_of_moments_are_split_by_underscores_only() -> None:
    assert "BETWEEN" in _sql("created[range]=2020-01-01_2021-01-01T00:00:00+02:00")[0]
    with pytest.raises(InvalidInput, match="range"):
        _sql("created[range]=2020-01-01")


@pytest.mark.parametrize(
    "term",
    [
        "size", "size=1", "size[gte]", "[eq]=1", "size[]=1", "size[eq]=x", "size[after]=1", "size[range]=1",
        "size[range]=1-2-3", "name[gte]=x", "name[range]=a_b", "created[eq]=yesterday", "created[eq]=0000-00-00",
        "created[eq]=9999-12-31T23:59:59-14:00", "uuid[eq]=1", "state[eq]=running", "state[eq]=x", "planned[eq]=1",
        "attempt[eq]=1.5", "attempt[eq]=99999999999999999999", "other[eq]=1", "name[eq]=\x00", "name[eq]=\ud800",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(term: str) -> None:
    with pytest.raises(InvalidInput, match="filter"):
        _sql(term)


@given(st.text(max_size=60))
def test_no_text_breaks_the_grammar(text: str) -> None:
    for term in (text, f"size[eq]={text}", f"created[{text}]=1", f"name[eq]={text}", f"state[range]={text}"):
        try:
            _sql(term)
        except InvalidInput:
            continue
