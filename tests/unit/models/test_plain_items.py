"""What is read without a schema is read as by it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.bodies.asset_requests import changed_columns, extras_of, new_columns
from models.bodies.bulk import BulkCreateItemSchema, BulkUpdateItemSchema
from models.bodies.plain_items import plain_change, plain_creation
from models.services.asset_extras import Extras

HEX = "0123456789abcdefABCDEF"
odd: Any = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=3), st.just({}), st.just([]),
    st.just("x" * 256), st.just("a\0b"), st.just("\ud800"), st.just(2**63), st.just(-1), st.just(0),
)  # fmt: skip


def often(good: Any) -> Any:
    return st.one_of(good, good, good, good, odd)


sha512 = st.text(HEX, min_size=127, max_size=129)
short = st.text(min_size=1, max_size=5)
file = {
    "filename": often(short), "origin": often(short), "size": often(st.integers(0, 2**40)),
    "mimeType": often(st.sampled_from(["image/jpeg", "A/b", "x", "a/b\n"])),
}  # fmt: skip
meta = st.dictionaries(st.text(max_size=3), st.one_of(odd, st.just({"deep": [1]})), max_size=3)
tag = st.fixed_dictionaries({"name": often(short)}, optional={"collection": often(short), "more": odd})
hashes = st.fixed_dictionaries({"sha512": often(sha512)}, optional={"md5": odd, "more": odd})
rest = {
    "clientRef": often(st.text(max_size=5)),
    "tags": odd,
    "geo": odd,
    "unknown": odd,
    "filename": odd,
    "sha512": odd,
}
creations = st.fixed_dictionaries(
    {"hashes": often(hashes), "file": often(st.fixed_dictionaries(file, optional={"more": odd}))},
    optional={"meta": often(meta), **rest, "tags": often(st.lists(often(tag), max_size=3))},
)
updates = st.fixed_dictionaries(
    {}, optional={"file": often(st.fixed_dictionaries({}, optional=file)), "meta": often(meta), **rest}
)
changes = st.fixed_dictionaries({"hashes": often(hashes), "update": often(updates)}, optional=rest)


@settings(max_examples=300)
@given(creations)
def test_creations(item: dict[str, Any]) -> None:
    found = plain_creation(item)
    if found is not None:
        values = BulkCreateItemSchema().load(item)
        assert new_columns(values) == found[0]
        assert extras_of(values) == Extras(found[1])
        assert not values.get("libraries")


@settings(max_examples=300)
@given(changes)
def test_changes(item: dict[str, Any]) -> None:
    found = plain_change(item)
    if found is not None:
        values = BulkUpdateItemSchema().load(item)
        columns = changed_columns({**values["update"], "hashes": values["hashes"]})
        assert (columns, ()) == found
        assert not extras_of(values["update"])


def test_what_is_usual_is_plain() -> None:
    described = {"filename": "a.jpg", "mimeType": "image/jpeg", "origin": "x", "size": 1}
    key = {"sha512": "Ab" * 64}
    assert plain_creation(
        {"hashes": key, "file": described, "meta": {"a": 1, "b": "c"}, "clientRef": "r", "tags": [{"name": "x"}]}
    )
    assert plain_change({"hashes": key, "update": {"file": {"filename": "b"}, "meta": {}}})
