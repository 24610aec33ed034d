"""Who acts, and what they may do. Every business function takes the actor beside the unit of work.

A permission is `<VERB>_<ENTITY>`. Roles grant it everywhere in their space, or scoped to a library or a collection; an
actor holds the union of the grants of the roles of the groups that they are in, or, with an API key, the part of it
that the key was made for. Grants narrow queries (`models.services.visibility`): what an actor may not read does not
exist for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from uuid import UUID

from models.errors import Forbidden


class Verb(StrEnum):
    """What is done with an element."""

    CREATE = "CREATE"
    READ = "READ"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class Entity(StrEnum):
    """What it is done with."""

    ANNOTATION = "ANNOTATION"
    ASSET = "ASSET"
    ASSET_BINARY = "ASSET_BINARY"
    ASSET_LOCATION = "ASSET_LOCATION"
    ASSET_POOL = "ASSET_POOL"
    ATTACHMENT = "ATTACHMENT"
    BLACKLIST = "BLACKLIST"
    CLUSTER = "CLUSTER"
    COLLECTION = "COLLECTION"
    COMMENT = "COMMENT"
    DEDUP = "DEDUP"
    EMBEDDING = "EMBEDDING"
    GROUP = "GROUP"
    LIBRARY = "LIBRARY"
    PERSON = "PERSON"
    PIPELINE = "PIPELINE"
    PIPELINE_RUN = "PIPELINE_RUN"
    REACTION = "REACTION"
    ROLE = "ROLE"
    SAVED_SEARCH = "SAVED_SEARCH"
    SPACE = "SPACE"
    TAG = "TAG"
    TASK = "TASK"
    TOKEN = "TOKEN"  # noqa: S105 - no secret
    USER = "USER"
    WEBHOOK = "WEBHOOK"

    @property
    def event_prefix(self) -> str:
        """What the names of events about it begin with."""
        return self.lower().replace("_", "-")


class Permission(StrEnum):
    """Everything that can be granted. The wire uses the names."""

    @staticmethod
    def _generate_next_value_(name: str, _start: int, _count: int, _last: list[str]) -> str:
        return name

    CREATE_ANNOTATION = auto()
    READ_ANNOTATION = auto()
    UPDATE_ANNOTATION = auto()
    DELETE_ANNOTATION = auto()
    CREATE_ASSET = auto()
    READ_ASSET = auto()
    UPDATE_ASSET = auto()
    DELETE_ASSET = auto()
    CREATE_ASSET_BINARY = auto()
    READ_ASSET_BINARY = auto()
    UPDATE_ASSET_BINARY = auto()
    DELETE_ASSET_BINARY = auto()
    CREATE_ASSET_LOCATION = auto()
    READ_ASSET_LOCATION = auto()
    UPDATE_ASSET_LOCATION = auto()
    DELETE_ASSET_LOCATION = auto()
    CREATE_ASSET_POOL = auto()
    READ_ASSET_POOL = auto()
    UPDATE_ASSET_POOL = auto()
    DELETE_ASSET_POOL = auto()
    CREATE_ATTACHMENT = auto()
    READ_ATTACHMENT = auto()
    UPDATE_ATTACHMENT = auto()
    DELETE_ATTACHMENT = auto()
    CREATE_BLACKLIST = auto()
    READ_BLACKLIST = auto()
    UPDATE_BLACKLIST = auto()
    DELETE_BLACKLIST = auto()
    CREATE_CLUSTER = auto()
    READ_CLUSTER = auto()
    UPDATE_CLUSTER = auto()
    DELETE_CLUSTER = auto()
    CREATE_COLLECTION = auto()
    READ_COLLECTION = auto()
    UPDATE_COLLECTION = auto()
    DELETE_COLLECTION = auto()
    CREATE_COMMENT = auto()
    READ_COMMENT = auto()
    UPDATE_COMMENT = auto()
    DELETE_COMMENT = auto()
    CREATE_DEDUP = auto()
    READ_DEDUP = auto()
    UPDATE_DEDUP = auto()
    DELETE_DEDUP = auto()
    CREATE_EMBEDDING = auto()
    READ_EMBEDDING = auto()
    UPDATE_EMBEDDING = auto()
    DELETE_EMBEDDING = auto()
    CREATE_GROUP = auto()
    READ_GROUP = auto()
    UPDATE_GROUP = auto()
    DELETE_GROUP = auto()
    CREATE_LIBRARY = auto()
    READ_LIBRARY = auto()
    UPDATE_LIBRARY = auto()
    DELETE_LIBRARY = auto()
    CREATE_PERSON = auto()
    READ_PERSON = auto()
    UPDATE_PERSON = auto()
    DELETE_PERSON = auto()
    CREATE_PIPELINE = auto()
    READ_PIPELINE = auto()
    UPDATE_PIPELINE = auto()
    DELETE_PIPELINE = auto()
    CREATE_PIPELINE_RUN = auto()
    READ_PIPELINE_RUN = auto()
    UPDATE_PIPELINE_RUN = auto()
    DELETE_PIPELINE_RUN = auto()
    CREATE_REACTION = auto()
    READ_REACTION = auto()
    UPDATE_REACTION = auto()
    DELETE_REACTION = auto()
    CREATE_ROLE = auto()
    READ_ROLE = auto()
    UPDATE_ROLE = auto()
    DELETE_ROLE = auto()
    CREATE_SAVED_SEARCH = auto()
    READ_SAVED_SEARCH = auto()
    UPDATE_SAVED_SEARCH = auto()
    DELETE_SAVED_SEARCH = auto()
    CREATE_SPACE = auto()
    READ_SPACE = auto()
    UPDATE_SPACE = auto()
    DELETE_SPACE = auto()
    CREATE_TAG = auto()
    READ_TAG = auto()
    UPDATE_TAG = auto()
    DELETE_TAG = auto()
    CREATE_TASK = auto()
    READ_TASK = auto()
    UPDATE_TASK = auto()
    DELETE_TASK = auto()
    CREATE_TOKEN = auto()
    READ_TOKEN = auto()
    UPDATE_TOKEN = auto()
    DELETE_TOKEN = auto()
    CREATE_USER = auto()
    READ_USER = auto()
    UPDATE_USER = auto()
    DELETE_USER = auto()
    CREATE_WEBHOOK = auto()
    READ_WEBHOOK = auto()
    UPDATE_WEBHOOK = auto()
    DELETE_WEBHOOK = auto()
    TAG_ASSET = auto()
    UNTAG_ASSET = auto()
    READ_PIPELINE_VERSION = auto()
    RESTORE_PIPELINE_VERSION = auto()
    READ_SEARCH = auto()
    READ_SEARCH_INDEX = auto()
    MANAGE_SEARCH_INDEX = auto()

    @classmethod
    def of(cls, verb: Verb, entity: Entity) -> Permission:
        """Give the permission for a verb on a kind of element."""
        return cls[f"{verb}_{entity}"]


_SCOPABLE_ENTITIES = (
    Entity.ANNOTATION, Entity.ASSET, Entity.ASSET_BINARY, Entity.ASSET_LOCATION, Entity.ATTACHMENT,
    Entity.COLLECTION, Entity.COMMENT, Entity.EMBEDDING, Entity.LIBRARY, Entity.REACTION,
)  # fmt: skip
SCOPABLE = frozenset(
    {Permission.of(verb, entity) for entity in _SCOPABLE_ENTITIES for verb in Verb}
    - {Permission.CREATE_ASSET, Permission.CREATE_LIBRARY, Permission.CREATE_COLLECTION}
) | {Permission.TAG_ASSET, Permission.UNTAG_ASSET, Permission.READ_SEARCH}
"""What can be granted for one library or collection: it is about that, its assets, or what hangs off these."""

ScopedGrants = Mapping[Permission, frozenset[UUID]]
_NO_IDS: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Grants:
    """What somebody may do in one space: everywhere, and in single libraries and collections."""

    everywhere: frozenset[Permission] = frozenset()
    libraries: ScopedGrants = field(default_factory=dict)
    collections: ScopedGrants = field(default_factory=dict)

    def __hash__(self) -> int:
        """Equal grants of different users are one key in a dictionary."""
        return hash((self.everywhere, frozenset(self.libraries.items()), frozenset(self.collections.items())))

    def only(self, permissions: Iterable[Permission]) -> Grants:
        """Keep of these what an API key was made for."""
        kept = frozenset(permissions)
        return Grants(
            self.everywhere & kept,
            {permission: ids for permission, ids in self.libraries.items() if permission in kept},
            {permission: ids for permission, ids in self.collections.items() if permission in kept},
        )


ALL_GRANTS = Grants(frozenset(Permission))


@dataclass(frozen=True)
class Actor:
    """A signed-in user and the space that the request is about.

    `token_id` is the API key that speaks for them, `is_narrowed` whether that key carries less than all they may.
    `is_default_space` tells whether the space is the one named `default`: its administrators run the installation.
    """

    user_id: UUID
    space_id: UUID
    username: str
    grants: Grants = field(repr=False)
    token_id: UUID | None = None
    is_narrowed: bool = False
    is_default_space: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether it is granted everywhere in the space."""
        return permission in self.grants.everywhere

    def may_somewhere(self, permission: Permission) -> bool:
        """Whether it is granted at all, be it for one library."""
        return self.may(permission) or bool(self.libraries(permission)) or bool(self.collections(permission))

    def libraries(self, permission: Permission) -> frozenset[UUID]:
        """Give the libraries that it is granted for."""
        return self.grants.libraries.get(permission, _NO_IDS)

    def collections(self, permission: Permission) -> frozenset[UUID]:
        """Give the collections that it is granted for."""
        return self.grants.collections.get(permission, _NO_IDS)

    def require(self, permission: Permission) -> None:
        """Insist on a permission everywhere in the space.

        Raises:
            Forbidden: naming it.
        """
        if not self.may(permission):
            raise forbidden(permission)

    def require_somewhere(self, permission: Permission) -> None:
        """Insist on a permission for anything at all.

        Raises:
            Forbidden: naming it.
        """
        if not self.may_somewhere(permission):
            raise forbidden(permission)

    def require_operator(self, permission: Permission) -> None:
        """Insist on a permission over the whole installation: one that is held in the space `default`.

        Raises:
            Forbidden: when it is not.
        """
        if not self.is_operator(permission):
            raise Forbidden("This concerns the whole installation: it takes an administrator of the space 'default'")

    def is_operator(self, permission: Permission) -> bool:
        """Whether the permission extends over the whole installation."""
        return self.is_default_space and self.may(permission)


def forbidden(permission: Permission) -> Forbidden:
    """Say that a permission is missing."""
    return Forbidden(f"This needs the permission {permission}")
