"""Clusters: embeddings that lie close together, such as faces of one person; and the persons seen in them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Float, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Audited, Base, Id
from models.entities.review import Review


class Person(Audited, Base):
    """Somebody who can be seen or heard in assets."""

    __tablename__ = "person"
    __table_args__ = (Index("ix_person_space_id", "space_id", "id"),)

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    alias: Mapped[str | None]
    firstname: Mapped[str | None]
    lastname: Mapped[str | None]


class Cluster(Audited, Base):
    """Embeddings of one type and model. `members_key` stands for who they were when they were proposed."""

    __tablename__ = "cluster"
    __table_args__ = (
        UniqueConstraint("space_id", "members_key"),
        Index("ix_cluster_status", "space_id", "type", "review_status", "id"),
        Index("ix_cluster_person_id", "person_id"),
        Index("ix_cluster_asset_id", "asset_id"),
    )

    id: Mapped[Id]
    space_id: Mapped[UUID] = mapped_column(ForeignKey("space.id"))
    name: Mapped[str | None]
    type: Mapped[str]
    model: Mapped[str | None]
    review_status: Mapped[Review] = mapped_column(server_default=text("'PENDING'"), default=Review.PENDING)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    reviewed: Mapped[datetime | None]
    reviewer_id: Mapped[UUID | None]
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id", ondelete="SET NULL"))
    """That of the embedding in the middle."""
    cluster_index: Mapped[int | None]
    score: Mapped[float | None] = mapped_column(Float(53))
    """How near its members are to the middle: mean cosine."""
    node_kind: Mapped[str | None]
    members_key: Mapped[str | None]


class ClusterMember(Base):
    """An embedding in a cluster, and how near it is to the middle."""

    __tablename__ = "cluster_member"
    __table_args__ = (Index("ix_cluster_member_embedding_id", "embedding_id"),)

    cluster_id: Mapped[UUID] = mapped_column(ForeignKey("cluster.id", ondelete="CASCADE"), primary_key=True)
    embedding_id: Mapped[UUID] = mapped_column(ForeignKey("embedding.id", ondelete="CASCADE"), primary_key=True)
    score: Mapped[float] = mapped_column(Float(53))
