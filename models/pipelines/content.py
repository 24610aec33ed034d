"""Types of content that flow between nodes: `family/subtype`, or `family/*` for the whole family."""

from __future__ import annotations

from dataclasses import dataclass

_ANY = "*"


@dataclass(frozen=True)
class ContentType:
    """A type of content."""

    id: str
    label: str
    description: str

    @property
    def family(self) -> str:
        """What stands before the slash."""
        return self.id.partition("/")[0]

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for a whole family."""
        return self.id.endswith(f"/{_ANY}")


_FAMILIES = {
    "media": ("Media", "A file of the catalogue", ("image", "video", "audio", "document")),
    "text": ("Text", "Text that people can read", ("plain", "transcript", "caption")),
    "detection": ("Detection", "A place in a picture", ("face", "object", "region")),
    "hash": ("Hash", "A number that stands for content", ("md5", "sha256", "sha512", "chunk", "fingerprint")),
    "scalar": ("Value", "A single value", ("string", "integer", "number", "boolean")),
    "artifact": ("Artifact", "A file that a node has made", ("image", "video", "audio", "file")),
    "struct": (
        "Structure",
        "A JSON value",
        ("embedding", "segments", "scene-layout", "quality", "depthmap", "masks", "color", "json"),
    ),
    "control": ("Verdict", "Yes or no, which edges with a branch follow", ("filter",)),
}
CONTENT_TYPES: tuple[ContentType, ...] = tuple(
    ContentType(f"{family}/{subtype}", f"{label}: {subtype}" if subtype != _ANY else label, description)
    for family, (label, description, subtypes) in _FAMILIES.items()
    for subtype in (_ANY, *subtypes)
)


def is_assignable(produced: str, consumed: str) -> bool:
    """Whether what comes out of one port may go into another: the same type, or one of them is the whole family.

    A family that is produced is a promise, which is looked at when the file is opened.
    """
    if produced == consumed:
        return True
    (family, subtype), (other, wanted) = (each.split("/", 1) for each in (produced, consumed))
    return family == other and _ANY in (subtype, wanted)


def is_control(content_type: str) -> bool:
    """Whether it carries a verdict."""
    return content_type.startswith("control/")
