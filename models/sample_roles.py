"""What the roles may do that every space begins with."""

from __future__ import annotations

from collections.abc import Mapping

from models.permissions import Entity, Permission, Verb

_CONTENT = (
    Entity.ASSET, Entity.LIBRARY, Entity.TAG, Entity.TASK, Entity.COLLECTION, Entity.COMMENT, Entity.ANNOTATION,
    Entity.BLACKLIST, Entity.REACTION, Entity.ATTACHMENT, Entity.EMBEDDING, Entity.ASSET_BINARY, Entity.ASSET_LOCATION,
    Entity.DEDUP, Entity.CLUSTER, Entity.PERSON,
)  # fmt: skip
_SURROUNDINGS = (Entity.USER, Entity.GROUP, Entity.ROLE, Entity.SPACE, Entity.PIPELINE, Entity.ASSET_POOL)
_SEARCHES = frozenset({Permission.READ_SEARCH, Permission.READ_SEARCH_INDEX})
VIEWER = frozenset(Permission.of(Verb.READ, entity) for entity in (*_CONTENT, *_SURROUNDINGS)) | _SEARCHES
EDITOR = (
    VIEWER
    | {Permission.of(verb, entity) for entity in _CONTENT for verb in Verb}
    | {Permission.TAG_ASSET, Permission.UNTAG_ASSET}
)
SAMPLE_ROLES: Mapping[str, frozenset[Permission]] = {
    "viewer": VIEWER,
    "editor": EDITOR,
    "admin-role": frozenset(Permission),
}
"""Roles that every space begins with."""
