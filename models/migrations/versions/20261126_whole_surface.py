"""whole surface"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def _put_into_default_space(table: str) -> None:
    """What was there before there were spaces to choose from is in the one that always exists."""
    op.execute(f"""UPDATE "{table}" SET space_id = (SELECT id FROM space WHERE name = 'default')""")  # noqa: S608
    op.alter_column(table, "space_id", nullable=False)


def upgrade() -> None:
    op.create_table(
        "collection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["collection.id"], name=op.f("fk_collection_parent_id_collection"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_collection_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection")),
        sa.UniqueConstraint("space_id", "name", name=op.f("uq_collection_space_id_name")),
    )
    op.create_index("ix_collection_parent_id", "collection", ["parent_id"], unique=False)
    op.create_table(
        "group",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_group_space_id_space"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group")),
        sa.UniqueConstraint("space_id", "name", name=op.f("uq_group_space_id_name")),
    )
    op.create_table(
        "pipeline",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("priority", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("dry_run", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("definition", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("version_number", sa.BigInteger(), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_pipeline_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline")),
        sa.UniqueConstraint("space_id", "name", name=op.f("uq_pipeline_space_id_name")),
    )
    op.create_table(
        "role",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("permissions", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_role_space_id_space"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("space_id", "name", name=op.f("uq_role_space_id_name")),
    )
    op.create_table(
        "tag",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("collection", sa.Text(), server_default=sa.text("'default'"), nullable=False),
        sa.Column("color", sa.Text(), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_tag_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("space_id", "collection", "name", name=op.f("uq_tag_space_id_collection_name")),
    )
    op.create_index("ix_tag_name", "tag", ["space_id", "name"], unique=False)
    op.create_table(
        "webhook",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("triggers", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("secret_token", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_webhook_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_index("ix_webhook_space_id", "webhook", ["space_id", "id"], unique=False)
    op.create_table(
        "annotation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("area", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("thumbnail", sa.Text(), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_annotation_asset_id_asset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_annotation_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotation")),
    )
    op.create_index("ix_annotation_asset_id", "annotation", ["asset_id"], unique=False)
    op.create_index("ix_annotation_space_id", "annotation", ["space_id", "id"], unique=False)
    op.create_table(
        "asset_tag",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("area", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("node_kind", sa.Text(), server_default=sa.text("'manual'"), nullable=False),
        sa.Column("node_id", sa.Text(), nullable=True),
        sa.Column("producer_version", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(precision=53), nullable=True),
        sa.Column("attached", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attached_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_asset_tag_asset_id_asset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_asset_tag_tag_id_tag"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_tag")),
        sa.UniqueConstraint(
            "asset_id",
            "tag_id",
            "node_kind",
            "node_id",
            "area",
            name="uq_asset_tag_placement",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_asset_tag_tag_id", "asset_tag", ["tag_id", "asset_id"], unique=False)
    op.create_table(
        "blacklist",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("sha512", sa.LargeBinary(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("review_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_blacklist_asset_id_asset"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_blacklist_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blacklist")),
        sa.UniqueConstraint("space_id", "sha512", name=op.f("uq_blacklist_space_id_sha512")),
    )
    op.create_index("ix_blacklist_asset_id", "blacklist", ["asset_id"], unique=False)
    op.create_table(
        "collection_asset",
        sa.Column("collection_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Float(precision=53), nullable=False),
        sa.Column("added", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_collection_asset_asset_id_asset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_collection_asset_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "asset_id", name=op.f("pk_collection_asset")),
    )
    op.create_index("ix_collection_asset_asset_id", "collection_asset", ["asset_id"], unique=False)
    op.create_index(
        "ix_collection_asset_position", "collection_asset", ["collection_id", "position", "asset_id"], unique=False
    )
    op.create_table(
        "component",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "GEO",
                "DOC",
                "IMAGE",
                "VIDEO",
                "AUDIO",
                "TRANSCRIPT",
                "JSON",
                name="componenttype",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("node_id", sa.Text(), nullable=True),
        sa.Column("producer_version", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(precision=53), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("time_from", sa.BigInteger(), nullable=True),
        sa.Column("stream_index", sa.BigInteger(), nullable=True),
        sa.Column("page_number", sa.BigInteger(), nullable=True),
        sa.Column("variant", sa.Text(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_component_asset_id_asset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_component_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component")),
        sa.UniqueConstraint(
            "asset_id",
            "type",
            "source",
            "node_id",
            "time_from",
            "stream_index",
            "page_number",
            "variant",
            name="uq_component_producer",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_component_space_id", "component", ["space_id", "id"], unique=False)
    op.create_table(
        "embedding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("vector", sa.ARRAY(sa.REAL()), nullable=False),
        sa.Column("dimensions", sa.BigInteger(), nullable=False),
        sa.Column("area", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("frame_number", sa.BigInteger(), nullable=True),
        sa.Column("subject_index", sa.BigInteger(), nullable=True),
        sa.Column("normalized", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("node_kind", sa.Text(), nullable=True),
        sa.Column("producer_version", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(precision=53), nullable=True),
        sa.Column("detection_id", sa.Uuid(), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_embedding_asset_id_asset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_embedding_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedding")),
        sa.UniqueConstraint(
            "asset_id",
            "node_kind",
            "type",
            "model",
            "frame_number",
            "subject_index",
            name="uq_embedding_producer",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_embedding_space_id", "embedding", ["space_id", "id"], unique=False)
    op.create_table(
        "group_role",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["group.id"], name=op.f("fk_group_role_group_id_group"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_group_role_role_id_role"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "role_id", name=op.f("pk_group_role")),
    )
    op.create_index("ix_group_role_role_id", "group_role", ["role_id"], unique=False)
    op.create_table(
        "group_user",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["group.id"], name=op.f("fk_group_user_group_id_group"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_group_user_user_id_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_group_user")),
    )
    op.create_index("ix_group_user_user_id", "group_user", ["user_id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("lease_expires", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("headers", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["space_id"], ["space.id"], name=op.f("fk_idempotency_key_space_id_space"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_idempotency_key_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("space_id", "user_id", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created", "idempotency_key", ["created"], unique=False)
    op.create_table(
        "library",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("pool_id", sa.Uuid(), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["pool_id"], ["pool.id"], name=op.f("fk_library_pool_id_pool"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_library_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library")),
        sa.UniqueConstraint("space_id", "name", name=op.f("uq_library_space_id_name")),
    )
    op.create_table(
        "pipeline_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pipeline_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("definition", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pipeline_id"], ["pipeline.id"], name=op.f("fk_pipeline_version_pipeline_id_pipeline"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline_version")),
        sa.UniqueConstraint("pipeline_id", "number", name=op.f("uq_pipeline_version_pipeline_id_number")),
    )
    op.create_table(
        "space_member",
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("added", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["space_id"], ["space.id"], name=op.f("fk_space_member_space_id_space"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_space_member_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("space_id", "user_id", name=op.f("pk_space_member")),
    )
    op.create_index("ix_space_member_user_id", "space_member", ["user_id"], unique=False)
    op.create_table(
        "user_identity",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("added", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_user_identity_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_user_identity")),
    )
    op.create_index("ix_user_identity_user_id", "user_identity", ["user_id"], unique=False)
    op.create_table(
        "tag_rating",
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("rating", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_rating_tag_id_tag"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_tag_rating_user_id_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tag_id", "user_id", name=op.f("pk_tag_rating")),
    )
    op.create_table(
        "asset_binary",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("library_id", sa.Uuid(), nullable=True),
        sa.Column("pool_id", sa.Uuid(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("last_seen", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("filekey", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("bucket", sa.Text(), nullable=True),
        sa.Column("object_path", sa.Text(), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("num_nonnulls(path, object_path) = 1", name=op.f("ck_asset_binary_one_place")),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_asset_binary_asset_id_asset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["library_id"], ["library.id"], name=op.f("fk_asset_binary_library_id_library"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["pool.id"], name=op.f("fk_asset_binary_pool_id_pool"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_asset_binary_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_binary")),
        sa.UniqueConstraint(
            "space_id",
            "library_id",
            "path",
            "bucket",
            "object_path",
            name="uq_asset_binary_place",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_asset_binary_asset_id", "asset_binary", ["asset_id"], unique=False)
    op.create_index("ix_asset_binary_space_id", "asset_binary", ["space_id", "id"], unique=False)
    op.create_table(
        "attachment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("embedding_id", sa.Uuid(), nullable=True),
        sa.Column(
            "type",
            sa.Enum(
                "EMBEDDING_ATTACHMENT",
                "ASSET_THUMBNAIL",
                "CONTACT_SHEET",
                "POSTER_FRAME",
                "WAVEFORM",
                "PROXY",
                "EXTRACTED_AUDIO",
                "FACE_CROP",
                "PERSON_IMAGE",
                "USER_AVATAR",
                name="attachmenttype",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=True),
        sa.Column("detection_id", sa.Uuid(), nullable=True),
        sa.Column("node_kind", sa.Text(), nullable=True),
        sa.Column("blob_sha512", sa.LargeBinary(), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_attachment_asset_id_asset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["blob_sha512"], ["blob.sha512"], name=op.f("fk_attachment_blob_sha512_blob")),
        sa.ForeignKeyConstraint(
            ["embedding_id"], ["embedding.id"], name=op.f("fk_attachment_embedding_id_embedding"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_attachment_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_asset_id", "attachment", ["asset_id"], unique=False)
    op.create_index("ix_attachment_blob_sha512", "attachment", ["blob_sha512"], unique=False)
    op.create_index("ix_attachment_embedding_id", "attachment", ["embedding_id"], unique=False)
    op.create_index("ix_attachment_space_id", "attachment", ["space_id", "id"], unique=False)
    op.create_table(
        "comment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("annotation_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotation_id"], ["annotation.id"], name=op.f("fk_comment_annotation_id_annotation"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_comment_asset_id_asset"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["comment.id"], name=op.f("fk_comment_parent_id_comment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_comment_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
    )
    op.create_index("ix_comment_annotation_id", "comment", ["annotation_id"], unique=False)
    op.create_index("ix_comment_asset_id", "comment", ["asset_id"], unique=False)
    op.create_index("ix_comment_parent_id", "comment", ["parent_id"], unique=False)
    op.create_index("ix_comment_space_id", "comment", ["space_id", "id"], unique=False)
    op.create_table(
        "library_asset",
        sa.Column("library_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("added", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_library_asset_asset_id_asset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["library_id"], ["library.id"], name=op.f("fk_library_asset_library_id_library"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("library_id", "asset_id", name=op.f("pk_library_asset")),
    )
    op.create_index("ix_library_asset_asset_id", "library_asset", ["asset_id"], unique=False)
    op.create_table(
        "library_pool",
        sa.Column("library_id", sa.Uuid(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["library_id"], ["library.id"], name=op.f("fk_library_pool_library_id_library"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["pool.id"], name=op.f("fk_library_pool_pool_id_pool"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("library_id", "pool_id", name=op.f("pk_library_pool")),
    )
    op.create_index("ix_location_pool_id_asset_id", "location", ["pool_id", "asset_id"], unique=False)
    op.create_index("ix_library_pool_pool_id", "library_pool", ["pool_id"], unique=False)
    op.create_table(
        "role_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("library_id", sa.Uuid(), nullable=True),
        sa.Column("collection_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("num_nonnulls(library_id, collection_id) = 1", name=op.f("ck_role_grant_one_scope")),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collection.id"],
            name=op.f("fk_role_grant_collection_id_collection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["library_id"], ["library.id"], name=op.f("fk_role_grant_library_id_library"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_role_grant_role_id_role"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
        sa.UniqueConstraint(
            "role_id",
            "permission",
            "library_id",
            "collection_id",
            name=op.f("uq_role_grant_role_id_permission_library_id_collection_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_role_grant_collection_id", "role_grant", ["collection_id"], unique=False)
    op.create_index("ix_role_grant_library_id", "role_grant", ["library_id"], unique=False)
    op.create_table(
        "reaction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("comment_id", sa.Uuid(), nullable=True),
        sa.Column("annotation_id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("rating", sa.SmallInteger(), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("num_nonnulls(asset_id, comment_id, annotation_id) > 0", name=op.f("ck_reaction_target")),
        sa.ForeignKeyConstraint(
            ["annotation_id"], ["annotation.id"], name=op.f("fk_reaction_annotation_id_annotation"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_reaction_asset_id_asset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_reaction_comment_id_comment"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_reaction_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reaction")),
        sa.UniqueConstraint(
            "creator_id",
            "type",
            "asset_id",
            "comment_id",
            "annotation_id",
            name="uq_reaction_target",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_reaction_annotation_id", "reaction", ["annotation_id"], unique=False)
    op.create_index("ix_reaction_asset_id", "reaction", ["asset_id", "type"], unique=False)
    op.create_index("ix_reaction_comment_id", "reaction", ["comment_id"], unique=False)
    op.create_index("ix_reaction_space_id", "reaction", ["space_id", "id"], unique=False)
    op.add_column("space", sa.Column("policy_version", sa.BigInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("space", sa.Column("pool_roots", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("asset", sa.Column("zero_chunk_count", sa.BigInteger(), nullable=True))
    op.add_column("asset", sa.Column("fingerprint", sa.Text(), nullable=True))
    op.add_column("location", sa.Column("license", sa.Text(), nullable=True))
    op.add_column(
        "location", sa.Column("meta", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("task", sa.Column("token_id", sa.Uuid(), nullable=True))
    op.add_column("token", sa.Column("space_id", sa.Uuid(), nullable=True))
    _put_into_default_space("token")
    op.add_column("token", sa.Column("permissions", sa.ARRAY(sa.Text()), nullable=True))
    op.create_foreign_key(op.f("fk_token_space_id_space"), "token", "space", ["space_id"], ["id"], ondelete="CASCADE")
    op.add_column("user", sa.Column("space_id", sa.Uuid(), nullable=True))
    _put_into_default_space("user")
    op.execute('INSERT INTO space_member (space_id, user_id) SELECT space_id, id FROM "user"')
    op.add_column("user", sa.Column("deleted", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("user", sa.Column("avatar_id", sa.Uuid(), nullable=True))
    op.drop_constraint(op.f("uq_user_username"), "user", type_="unique")
    op.create_unique_constraint(op.f("uq_user_space_id_username"), "user", ["space_id", "username"])
    op.create_foreign_key(
        "fk_user_avatar_id_attachment", "user", "attachment", ["avatar_id"], ["id"], ondelete="SET NULL", use_alter=True
    )
    op.create_index(
        "ix_user_avatar_id", "user", ["avatar_id"], unique=False, postgresql_where=sa.text("avatar_id IS NOT NULL")
    )
    op.create_foreign_key(op.f("fk_user_space_id_space"), "user", "space", ["space_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint(op.f("fk_user_space_id_space"), "user", type_="foreignkey")
    op.drop_index("ix_user_avatar_id", table_name="user")
    op.drop_constraint("fk_user_avatar_id_attachment", "user", type_="foreignkey")
    op.drop_constraint(op.f("uq_user_space_id_username"), "user", type_="unique")
    op.create_unique_constraint(op.f("uq_user_username"), "user", ["username"], postgresql_nulls_not_distinct=False)
    op.drop_column("user", "avatar_id")
    op.drop_column("user", "deleted")
    op.drop_column("user", "space_id")
    op.drop_constraint(op.f("fk_token_space_id_space"), "token", type_="foreignkey")
    op.drop_column("token", "permissions")
    op.drop_column("token", "space_id")
    op.drop_column("task", "token_id")
    op.drop_column("location", "meta")
    op.drop_column("location", "license")
    op.drop_column("asset", "fingerprint")
    op.drop_column("asset", "zero_chunk_count")
    op.drop_column("space", "pool_roots")
    op.drop_column("space", "policy_version")
    op.drop_index("ix_reaction_space_id", table_name="reaction")
    op.drop_index("ix_reaction_comment_id", table_name="reaction")
    op.drop_index("ix_reaction_asset_id", table_name="reaction")
    op.drop_index("ix_reaction_annotation_id", table_name="reaction")
    op.drop_table("reaction")
    op.drop_index("ix_role_grant_library_id", table_name="role_grant")
    op.drop_index("ix_role_grant_collection_id", table_name="role_grant")
    op.drop_table("role_grant")
    op.drop_index("ix_location_pool_id_asset_id", table_name="location")
    op.drop_index("ix_library_pool_pool_id", table_name="library_pool")
    op.drop_table("library_pool")
    op.drop_index("ix_library_asset_asset_id", table_name="library_asset")
    op.drop_table("library_asset")
    op.drop_index("ix_comment_space_id", table_name="comment")
    op.drop_index("ix_comment_parent_id", table_name="comment")
    op.drop_index("ix_comment_asset_id", table_name="comment")
    op.drop_index("ix_comment_annotation_id", table_name="comment")
    op.drop_table("comment")
    op.drop_index("ix_attachment_space_id", table_name="attachment")
    op.drop_index("ix_attachment_embedding_id", table_name="attachment")
    op.drop_index("ix_attachment_blob_sha512", table_name="attachment")
    op.drop_index("ix_attachment_asset_id", table_name="attachment")
    op.drop_table("attachment")
    op.drop_index("ix_asset_binary_space_id", table_name="asset_binary")
    op.drop_index("ix_asset_binary_asset_id", table_name="asset_binary")
    op.drop_table("asset_binary")
    op.drop_table("tag_rating")
    op.drop_index("ix_user_identity_user_id", table_name="user_identity")
    op.drop_table("user_identity")
    op.drop_index("ix_space_member_user_id", table_name="space_member")
    op.drop_table("space_member")
    op.drop_table("pipeline_version")
    op.drop_table("library")
    op.drop_index("ix_idempotency_key_created", table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index("ix_group_user_user_id", table_name="group_user")
    op.drop_table("group_user")
    op.drop_index("ix_group_role_role_id", table_name="group_role")
    op.drop_table("group_role")
    op.drop_index("ix_embedding_space_id", table_name="embedding")
    op.drop_table("embedding")
    op.drop_index("ix_component_space_id", table_name="component")
    op.drop_table("component")
    op.drop_index("ix_collection_asset_position", table_name="collection_asset")
    op.drop_index("ix_collection_asset_asset_id", table_name="collection_asset")
    op.drop_table("collection_asset")
    op.drop_index("ix_blacklist_asset_id", table_name="blacklist")
    op.drop_table("blacklist")
    op.drop_index("ix_asset_tag_tag_id", table_name="asset_tag")
    op.drop_table("asset_tag")
    op.drop_index("ix_annotation_space_id", table_name="annotation")
    op.drop_index("ix_annotation_asset_id", table_name="annotation")
    op.drop_table("annotation")
    op.drop_index("ix_webhook_space_id", table_name="webhook")
    op.drop_table("webhook")
    op.drop_index("ix_tag_name", table_name="tag")
    op.drop_table("tag")
    op.drop_table("role")
    op.drop_table("pipeline")
    op.drop_table("group")
    op.drop_index("ix_collection_parent_id", table_name="collection")
    op.drop_table("collection")
