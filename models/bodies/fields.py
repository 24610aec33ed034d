"""The fields that bodies are made of, in both directions, and the schemas that resources build on.

What comes in is refused here if no column could hold it; what goes out leaves out everything that is null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing, post_load, validate

from models.bodies.instants import format_instant, parse_instant
from models.db import Audited
from models.errors import InvalidInput
from models.ids import is_storable, parse_sha512
from models.permissions import Permission

BIGGEST = 2**63 - 1
LONGEST_NAME = 255
_LONGEST_TEXT = 64 * 1024
_DEEPEST_META = 32
_LARGEST_NUMBER = 2**63
_LARGEST_META = 256 * 1024
_UNSTORABLE = "Holds characters that cannot be stored."


class Text(fields.String):
    """Text that every engine can hold, of bounded length."""

    def __init__(self, *, shortest: int = 0, longest: int = _LONGEST_TEXT, **options: Any) -> None:
        bounds = validate.Length(min=shortest or None, max=longest)
        super().__init__(validate=[bounds, *options.pop("validate", [])], **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not is_storable(value):
            raise ValidationError(_UNSTORABLE)
        return value


class Name(Text):
    """What a person calls an element."""

    def __init__(self, **options: Any) -> None:
        super().__init__(shortest=1, longest=LONGEST_NAME, **options)


class Whole(fields.Integer):
    """A whole number that a column can hold; not a fraction, not a text, not a truth value."""

    def __init__(self, *, least: int = -BIGGEST, most: int = BIGGEST, **options: Any) -> None:
        super().__init__(strict=True, validate=[validate.Range(least, most), *options.pop("validate", [])], **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Flag(fields.Boolean):
    """True or false; not a number, not a text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Number(fields.Float):
    """A finite number; not a text, not a truth value."""

    def __init__(self, *, least: float | None = None, most: float | None = None, **options: Any) -> None:
        super().__init__(allow_nan=False, validate=validate.Range(least, most), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < _LARGEST_NUMBER:
            raise self.make_error("invalid")
        return float(value)


class Instant(fields.Field[datetime]):
    """A moment: ISO-8601, UTC, whole seconds; fractions and other offsets are understood."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **options: Any) -> str | None:
        return None if value is None else format_instant(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> datetime:
        if not isinstance(value, str):
            raise ValidationError("Not a moment such as 2018-10-12T14:15:06Z.")
        try:
            return parse_instant(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Constant(fields.Enum[Enum]):
    """The upper-case name of a constant."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("unknown", choices=self.choices_text)
        return super()._deserialize(value, attr, data, **options)


class Permissions(fields.List[Enum]):
    """Names of permissions, each once; what goes out is sorted."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Constant(Permission), **options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> Any:
        return None if value is None else sorted(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        return sorted({str(permission) for permission in super()._deserialize(value, attr, data, **options)})


class Sha512(fields.String):
    """A SHA-512 hash; lower-case hex out, either case in."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            return parse_sha512(value)
        except InvalidInput as error:
            raise ValidationError(str(error)) from None


class Color(Text):
    """Six hexadecimal digits; a leading `#` and upper case are understood."""

    _SHAPE = re.compile(r"#?[0-9a-fA-F]{6}")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text = super()._deserialize(value, attr, data, **options)
        if not self._SHAPE.fullmatch(text):
            raise self.make_error("invalid")
        return text.removeprefix("#").lower()

    default_error_messages = {"invalid": "Not six hexadecimal digits."}  # noqa: RUF012 - marshmallow's name


class MimeType(fields.String):
    """A type such as `image/jpeg`; lower case out, either case in."""

    PATTERN = r"^[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}$"
    _SHAPE = re.compile(PATTERN.removesuffix("$"))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        if not isinstance(value, str) or not self._SHAPE.fullmatch(value):
            raise ValidationError("Not a type such as image/jpeg.")
        return value.lower()


class Meta(fields.Field[dict[str, Any]]):
    """A free JSON object of the caller's, of bounded depth and size."""

    def __init__(self, *, largest: int = _LARGEST_META, **options: Any) -> None:
        super().__init__(**options)
        self._largest = largest

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        size = 0
        for part in _walk(value):
            size += _size_of(part)
        if size > self._largest:
            raise ValidationError("Is too large.")
        return value


def _walk(value: Any) -> Iterator[Any]:
    """Give all keys and scalars of a JSON value, without recursion."""
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        part, depth = stack.pop()
        if depth > _DEEPEST_META:
            raise ValidationError("Is nested too deep.")
        if isinstance(part, Mapping):
            yield from part
            stack.extend((child, depth + 1) for child in part.values())
        elif isinstance(part, list):
            yield len(part)
            stack.extend((child, depth + 1) for child in part)
        else:
            yield part


def _size_of(part: Any) -> int:
    """Say about how many bytes a key or scalar takes."""
    if isinstance(part, str):
        if not is_storable(part):
            raise ValidationError(_UNSTORABLE)
        return len(part) + 3
    # PostgreSQL gives 1e30 back as an integer of 31 digits, so the bound is on floats as well.
    if isinstance(part, int | float) and not abs(part) < _LARGEST_NUMBER:
        raise ValidationError("Holds a number beyond 64 bits.")
    return 8


class AreaField(fields.Field[dict[str, int]]):
    """Part of an asset: any of `from` and `to` (milliseconds), `startX`, `startY`, `width` and `height` (pixels)."""

    KEYS = ("from", "to", "startX", "startY", "width", "height")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> dict[str, int]:
        if not isinstance(value, Mapping):
            raise ValidationError("Not an object.")
        area = {key: value[key] for key in self.KEYS if value.get(key) is not None}
        if not all(type(number) is int and 0 <= number <= BIGGEST for number in area.values()):
            raise ValidationError("Holds something else than whole numbers from 0 on.")
        if area.get("from", 0) > area.get("to", BIGGEST):
            raise ValidationError("Ends before it begins.")
        return area


class Audit(fields.Field[Any]):
    """Who made the element and who changed it last, and when. `services.audit.name_users` must have named them."""

    def serialize(self, attr: str, obj: Any, accessor: Any = None, **options: Any) -> Any:
        """Take from the whole element, whatever this field is called."""
        return _audit_block(obj)


def _audit_block(element: Audited) -> dict[str, Any]:
    block: dict[str, Any] = {"created": format_instant(element.created), "edited": format_instant(element.edited)}
    if element.creator_id:
        block["creator"] = {"uuid": str(element.creator_id), "name": element.creator_name}
    if element.editor_id:
        block["editor"] = {"uuid": str(element.editor_id), "name": element.editor_name}
    return block


class AnswerSchema(Schema):
    """A body that goes out: what is null is left out."""

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Read a value; null counts as none."""
        value = obj.get(attr) if isinstance(obj, dict) else getattr(obj, attr, None)
        return missing if value is None else value


class ElementSchema(AnswerSchema):
    """What nearly every element has."""

    uuid = fields.UUID(attribute="id")
    status = Audit()
    meta = fields.Dict()


class RequestSchema(Schema):
    """A body that comes in: unknown keys are ignored, for clients send back what they do not know."""

    class Meta:  # noqa: D106 - marshmallow's name for the options of a schema
        unknown = EXCLUDE


class BlockSchema(RequestSchema):
    """A part of a body that is kept as it came, in the spelling of the wire; what is null is left out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for field in self.fields.values():
            field.allow_none = True

    @post_load
    def spell(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Name the values as the wire does."""
        return {self.fields[name].data_key or name: value for name, value in values.items() if value is not None}


class ChangeSchema(RequestSchema):
    """A partial update: only keys that are present and not null change anything.

    As a replacement (`PUT`) every key must be present, and null clears.
    """

    def __init__(self, *, is_replacement: bool = False, **options: Any) -> None:
        super().__init__(partial=not is_replacement, **options)
        self.is_replacement = is_replacement
        for field in self.fields.values():
            field.allow_none = True
            field.required = is_replacement

    @post_load
    def drop_nulls(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        """A null is not a change."""
        if self.is_replacement:
            return values
        return {name: value for name, value in values.items() if value is not None}
