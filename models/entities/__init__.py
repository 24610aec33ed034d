"""Every mapped class, for Alembic and for those who need several."""

from models.entities.annotation import Annotation
from models.entities.asset import Asset, Blob, Location, LocationState
from models.entities.attachment import Attachment, AttachmentType
from models.entities.binary import AssetBinary
from models.entities.blacklist import Blacklist
from models.entities.cluster import Cluster, ClusterMember, Person
from models.entities.collection import Collection, CollectionAsset
from models.entities.comment import Comment
from models.entities.component import Component, ComponentType
from models.entities.dedup import DedupGroup, DedupMember, DedupRole
from models.entities.embedding import Embedding
from models.entities.event import Event, RelayPosition
from models.entities.group import Group, GroupRole, GroupUser
from models.entities.idempotency import IdempotencyKey
from models.entities.identity import LoginSession, UserIdentity
from models.entities.library import Library, LibraryAsset, LibraryPool
from models.entities.pipeline import Pipeline, PipelineVersion
from models.entities.pipeline_run import NodeKind, NodeResult, RunItem, RunNode
from models.entities.pool import Pool
from models.entities.reaction import Reaction
from models.entities.review import Review
from models.entities.role import Role, RoleGrant
from models.entities.saved_search import SavedSearch
from models.entities.schedule import Schedule
from models.entities.space import Space, SpaceMember
from models.entities.tag import AssetTag, Tag, TagRating
from models.entities.task import PartState, Task, TaskDiagnostic, TaskItem, TaskItemRun, TaskPart, TaskState
from models.entities.upload import Upload
from models.entities.user import Token, User
from models.entities.webhook import DeliveryState, Ordering, Webhook, WebhookDelivery

__all__ = [
    "Annotation",
    "Asset",
    "AssetBinary",
    "AssetTag",
    "Attachment",
    "AttachmentType",
    "Blacklist",
    "Blob",
    "Cluster",
    "ClusterMember",
    "Collection",
    "CollectionAsset",
    "Comment",
    "Component",
    "ComponentType",
    "DedupGroup",
    "DedupMember",
    "DedupRole",
    "DeliveryState",
    "Embedding",
    "Event",
    "Group",
    "GroupRole",
    "GroupUser",
    "IdempotencyKey",
    "Library",
    "LibraryAsset",
    "LibraryPool",
    "Location",
    "LocationState",
    "LoginSession",
    "NodeKind",
    "NodeResult",
    "Ordering",
    "PartState",
    "Person",
    "Pipeline",
    "PipelineVersion",
    "Pool",
    "Reaction",
    "RelayPosition",
    "Review",
    "Role",
    "RoleGrant",
    "RunItem",
    "RunNode",
    "SavedSearch",
    "Schedule",
    "Space",
    "SpaceMember",
    "Tag",
    "TagRating",
    "Task",
    "TaskDiagnostic",
    "TaskItem",
    "TaskItemRun",
    "TaskPart",
    "TaskState",
    "Token",
    "Upload",
    "User",
    "UserIdentity",
    "Webhook",
    "WebhookDelivery",
]
