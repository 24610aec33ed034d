"""Duplicates, clusters and persons; saved searches and smart collections."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)
_REVIEW = sa.Enum("PENDING", "CONFIRMED", "REJECTED", name="review", native_enum=False, length=16)
_ENTITIES = ("CLUSTER", "DEDUP", "PERSON")
_VERBS = ("CREATE", "READ", "UPDATE", "DELETE")


def _audited() -> list[sa.Column[Any]]:
    return [
        sa.Column("created", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
    ]


def _grant(role: str, verbs: Sequence[str], entities: Sequence[str]) -> None:
    """Let the roles that every space began with do with the new what they do with all else of their kind."""
    names = ", ".join(f"'{verb}_{entity}'" for verb in verbs for entity in entities)
    op.execute(f"UPDATE role SET permissions = permissions || ARRAY[{names}] WHERE name = '{role}'")  # noqa: S608


def upgrade() -> None:
    op.create_table(
        "dedup_group",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("review_status", _REVIEW, server_default=sa.text("'PENDING'"), nullable=False),
        sa.Column("score", sa.Float(precision=53), nullable=False),
        sa.Column("members_key", sa.Text(), nullable=False),
        *_audited(),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name="fk_dedup_group_space_id_space"),
        sa.PrimaryKeyConstraint("id", name="pk_dedup_group"),
        sa.UniqueConstraint("space_id", "members_key", name="uq_dedup_group_space_id_members_key"),
    )
    op.create_index("ix_dedup_group_status", "dedup_group", ["space_id", "review_status", "id"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=True),
        sa.Column("firstname", sa.Text(), nullable=True),
        sa.Column("lastname", sa.Text(), nullable=True),
        *_audited(),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name="fk_person_space_id_space"),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
    )
    op.create_index("ix_person_space_id", "person", ["space_id", "id"], unique=False)
    op.create_table(
        "cluster",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("review_status", _REVIEW, server_default=sa.text("'PENDING'"), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("reviewed", _INSTANT, nullable=True),
        sa.Column("reviewer_id", sa.Uuid(), nullable=True),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("cluster_index", sa.BigInteger(), nullable=True),
        sa.Column("score", sa.Float(precision=53), nullable=True),
        sa.Column("node_kind", sa.Text(), nullable=True),
        sa.Column("members_key", sa.Text(), nullable=True),
        *_audited(),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name="fk_cluster_asset_id_asset", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_cluster_person_id_person", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name="fk_cluster_space_id_space"),
        sa.PrimaryKeyConstraint("id", name="pk_cluster"),
        sa.UniqueConstraint("space_id", "members_key", name="uq_cluster_space_id_members_key"),
    )
    op.create_index("ix_cluster_asset_id", "cluster", ["asset_id"], unique=False)
    op.create_index("ix_cluster_person_id", "cluster", ["person_id"], unique=False)
    op.create_index("ix_cluster_status", "cluster", ["space_id", "type", "review_status", "id"], unique=False)
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", postgresql.JSONB(), nullable=False),
        *_audited(),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name="fk_saved_search_space_id_space"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_saved_search_user_id_user", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_search"),
        sa.UniqueConstraint("user_id", "name", name="uq_saved_search_user_id_name"),
    )
    op.create_table(
        "cluster_member",
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.Column("embedding_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"], ["cluster.id"], name="fk_cluster_member_cluster_id_cluster", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["embedding_id"], ["embedding.id"], name="fk_cluster_member_embedding_id_embedding", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cluster_id", "embedding_id", name="pk_cluster_member"),
    )
    op.create_index("ix_cluster_member_embedding_id", "cluster_member", ["embedding_id"], unique=False)
    op.create_table(
        "dedup_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Enum("KEEP", "DUP", name="deduprole", native_enum=False, length=16), nullable=False),
        sa.Column("score", sa.Float(precision=53), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name="fk_dedup_member_asset_id_asset", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["dedup_group.id"], name="fk_dedup_member_group_id_dedup_group", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["location.id"], name="fk_dedup_member_location_id_location", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_dedup_member"),
        sa.UniqueConstraint(
            "group_id",
            "asset_id",
            "location_id",
            name="uq_dedup_member_group_id_asset_id_location_id",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_dedup_member_asset_id", "dedup_member", ["asset_id"], unique=False)
    op.create_index("ix_dedup_member_location_id", "dedup_member", ["location_id"], unique=False)
    op.create_index(
        "uq_dedup_member_keep", "dedup_member", ["group_id"], unique=True, postgresql_where=sa.text("role = 'KEEP'")
    )
    everything = (*_ENTITIES, "SAVED_SEARCH")
    for role, verbs, entities in (
        ("admin-role", _VERBS, everything),
        ("editor", _VERBS, _ENTITIES),
        ("viewer", ("READ",), _ENTITIES),
    ):
        _grant(role, verbs, entities)
    op.add_column("collection", sa.Column("query", postgresql.JSONB(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("collection", "query")
    for table in ("dedup_member", "cluster_member", "saved_search", "cluster", "person", "dedup_group"):
        op.drop_table(table)
    names = ", ".join(f"'{verb}_{entity}'" for verb in _VERBS for entity in (*_ENTITIES, "SAVED_SEARCH"))
    op.execute(
        f"""UPDATE role SET permissions = ARRAY(SELECT each FROM unnest(permissions) AS each
                WHERE each NOT IN ({names}))"""  # noqa: S608
    )
