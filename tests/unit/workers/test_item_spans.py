"""Spans cover the items of a list, each once and in order, wherever they are cut."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.processing.item_lists import LARGEST_ITEM
from workers.processing.item_spans import MOST_ITEMS, Span, Unusual, items_of, split_lines, split_members

scalars: Any = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=4), st.just('},{"a":'))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner))
items = st.lists(st.one_of(st.fixed_dictionaries({"a": values}, optional={"b": values}), scalars), max_size=12)
sizes = st.integers(16, 200)


def _read(data: bytes, spans: list[Span], *, is_json: bool) -> list[Any]:
    found = []
    end = 0
    for span in spans:
        assert span.offset >= end
        end = span.offset + span.size
        inside = items_of(data[span.offset : end], is_json=is_json)
        assert len(inside) == span.items > 0
        found += inside
    return [item.value for item in found]


def _kept(values: list[Any]) -> list[Any]:
    """What is no object, or cannot be stored, is a problem and has no value."""
    return [value if isinstance(value, dict) and "\\u0000" not in json.dumps(value) else None for value in values]


@given(items, sizes, st.sampled_from([None, 1]))
def test_members(values: list[Any], size: int, indent: int | None) -> None:
    data = json.dumps({"assets": values}, indent=indent).encode()
    try:
        spans = list(split_members(io.BytesIO(data), size))
    except Unusual:
        assert any(not isinstance(value, dict) or '"a"' in json.dumps(value)[4:] for value in values)
        return
    assert _read(data, spans, is_json=True) == _kept(values)


def test_long_lists_of_alike_items_are_cut() -> None:
    values = [{"hashes": {"sha512": f"{number:0128x}"}, "tags": [{"name": "a"}, {"name": "b"}]} for number in range(99)]
    for indent in (None, 2):
        data = json.dumps({"assets": values}, indent=indent).encode()
        spans = list(split_members(io.BytesIO(data), 1000))
        assert len(spans) > 9
        assert _read(data, spans, is_json=True) == values


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"assets": [', b'{"assets": [1,]}', b'{"assets": []} x', b'{"assets": [], "more": 1}',
     b'{"assets": [], "more": [1]}', b'{"more": 1, "assets": []}', b'{"assets": [}]}', b'{"assets": [1]]}'],
)  # fmt: skip
def test_what_is_spelt_otherwise_is_left_to_others(data: bytes) -> None:
    with pytest.raises(Unusual):
        list(split_members(io.BytesIO(data)))


def test_a_span_has_only_so_many_items() -> None:
    count = 2 * MOST_ITEMS + 5
    lines = list(split_lines(io.BytesIO(b"{}\n" * count)))
    assert [span.items for span in lines] == [MOST_ITEMS, MOST_ITEMS, 5]
    assert _read(b"{}\n" * count, lines, is_json=False) == [{}] * count
    for item in (b"{}", b'{"a":1}'):
        with pytest.raises(Unusual):
            list(split_members(io.BytesIO(b'{"assets":[' + b",".join([item] * (20 * MOST_ITEMS)) + b"]}")))


def test_members_without_end_are_not_kept_in_memory() -> None:
    with pytest.raises(Unusual):
        list(split_members(io.BytesIO(b'{"assets": [{"a": "' + b"x" * 6 * LARGEST_ITEM + b'"}]}')))


@given(items, sizes, st.sampled_from([b"\n", b"\r\n", b"\n \n\n"]))
def test_lines(values: list[Any], size: int, end: bytes) -> None:
    data = end.join(json.dumps(value).encode() for value in values)
    assert _read(data, list(split_lines(io.BytesIO(data), size)), is_json=False) == _kept(values)


@pytest.mark.parametrize("length", [LARGEST_ITEM - 2, LARGEST_ITEM + 1, 3 * LARGEST_ITEM])
@pytest.mark.parametrize("size", [1000, 256 * 1024])
def test_a_line_that_is_too_long_is_one_item(length: int, size: int) -> None:
    long = b'"' + b"x" * length + b'"'
    data = b'{"a": 1}\n' + long + b'\n{"a": 2}\n' + long
    spans = list(split_lines(io.BytesIO(data), size))
    found = [item for span in spans for item in items_of(data[span.offset : span.offset + span.size], is_json=False)]
    assert [item.value for item in found] == [{"a": 1}, None, {"a": 2}, None]
    code = "item-too-large" if length + 2 > LARGEST_ITEM else "validation"
    assert {item.problem[0] for item in found if item.problem} == {code}
    assert max(span.size for span in spans) <= LARGEST_ITEM + 2 * size
