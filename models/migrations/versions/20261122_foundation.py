"""The first tables: spaces, users, pools, assets, tasks, events, schedules."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from models.entities.event import Xid8

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "blob",
        sa.Column("sha512", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("sha512", name=op.f("pk_blob")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("occurred", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_xid_id", "event", ["xid", "id"], unique=False)
    op.create_table(
        "relay_position",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("'0'"), nullable=False),
        sa.Column("id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("system", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_relay_position")),
    )
    op.create_table(
        "space",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_space")),
        sa.UniqueConstraint("name", name=op.f("uq_space_name")),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("firstname", sa.Text(), nullable=True),
        sa.Column("lastname", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("username", name=op.f("uq_user_username")),
    )
    op.create_table(
        "asset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("sha512", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("first_seen", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("md5", sa.LargeBinary(), nullable=True),
        sa.Column("chunk_hash", sa.Text(), nullable=True),
        sa.Column("geo", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("blob_sha512", sa.LargeBinary(), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["blob_sha512"], ["blob.sha512"], name=op.f("fk_asset_blob_sha512_blob")),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_asset_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
        sa.UniqueConstraint("space_id", "sha512", name=op.f("uq_asset_space_id_sha512")),
    )
    op.create_index(
        "ix_asset_blob_sha512",
        "asset",
        ["blob_sha512"],
        unique=False,
        postgresql_where=sa.text("blob_sha512 IS NOT NULL"),
    )
    op.create_index("ix_asset_space_id_filename_id", "asset", ["space_id", "filename", "id"], unique=False)
    op.create_table(
        "pool",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fs_path", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_pool_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool")),
        sa.UniqueConstraint("space_id", "name", name=op.f("uq_pool_space_id_name")),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("expires", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_token_user_id_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_token_secret_sha256")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_token_user_id_name")),
    )
    op.create_table(
        "location",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("ctime_ns", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("PRESENT", "MISSING", name="locationstate", native_enum=False, length=16),
            server_default=sa.text("'PRESENT'"),
            nullable=False,
        ),
        sa.Column("first_seen", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("missing_since", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("missing_task_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["asset.id"], name=op.f("fk_location_asset_id_asset"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["pool_id"], ["pool.id"], name=op.f("fk_location_pool_id_pool")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
        sa.UniqueConstraint("pool_id", "path", name=op.f("uq_location_pool_id_path")),
    )
    op.create_index("ix_location_asset_id", "location", ["asset_id"], unique=False)
    op.create_index(
        "ix_location_missing_task_id",
        "location",
        ["missing_task_id"],
        unique=False,
        postgresql_where=sa.text("missing_task_id IS NOT NULL"),
    )
    op.create_table(
        "schedule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("next_run", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_run", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("pool_id", sa.Uuid(), nullable=True),
        sa.Column("skipped", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["pool_id"], ["pool.id"], name=op.f("fk_schedule_pool_id_pool"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_schedule_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("name", name=op.f("uq_schedule_name")),
        sa.UniqueConstraint("pool_id", name=op.f("uq_schedule_pool_id")),
    )
    op.create_index("ix_schedule_next_run", "schedule", ["next_run"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "PENDING",
                "RUNNING",
                "CANCELLING",
                "SUCCEEDED",
                "PARTIAL",
                "FAILED",
                "CANCELLED",
                name="taskstate",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("queued", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("finished", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("skipped", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes_total", sa.BigInteger(), nullable=True),
        sa.Column("bytes_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("cursor", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("is_planned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("open_parts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempt", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.BigInteger(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("schedule_id", sa.Uuid(), nullable=True),
        sa.Column("schedule_tick", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=True),
        sa.Column("edited", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("editor_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("meta", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["task.id"], name=op.f("fk_task_parent_id_task"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_task_schedule_id_schedule"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name=op.f("fk_task_space_id_space")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("schedule_id", "schedule_tick", name=op.f("uq_task_schedule_id_schedule_tick")),
    )
    op.create_index(
        "ix_task_open",
        "task",
        ["state"],
        unique=False,
        postgresql_where=sa.text("state IN ('PENDING', 'RUNNING', 'CANCELLING')"),
    )
    op.create_index("ix_task_space_id_queued", "task", ["space_id", "queued", "id"], unique=False)
    op.create_index(
        "ix_task_subject_id", "task", ["subject_id"], unique=False, postgresql_where=sa.text("subject_id IS NOT NULL")
    )
    op.create_table(
        "task_item",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("input", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_item_task_id_task"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "index", name=op.f("pk_task_item")),
    )
    op.create_index("ix_task_item_task_id_state_index", "task_item", ["task_id", "state", "index"], unique=False)
    op.create_table(
        "task_part",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column(
            "role", sa.Enum("MAIN", "WORK", "FINISH", name="partrole", native_enum=False, length=16), nullable=False
        ),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "WAITING",
                "READY",
                "RUNNING",
                "DONE",
                "FAILED",
                "CANCELLED",
                name="partstate",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("size", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempt", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("deaths", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("errors", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "ready_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_expires", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("items_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_part_task_id_task"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_part")),
        sa.UniqueConstraint("task_id", "seq", name=op.f("uq_task_part_task_id_seq")),
    )
    op.create_index(
        "ix_task_part_lease_expires",
        "task_part",
        ["lease_expires"],
        unique=False,
        postgresql_where=sa.text("state = 'RUNNING'"),
    )
    op.create_index(
        "ix_task_part_ready",
        "task_part",
        ["queue", sa.literal_column("priority DESC"), "ready_at"],
        unique=False,
        postgresql_where=sa.text("state = 'READY'"),
    )
    op.create_index(
        "ix_task_part_waiting",
        "task_part",
        ["task_id", "seq"],
        unique=False,
        postgresql_where=sa.text("state IN ('WAITING', 'READY')"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_task_part_waiting", table_name="task_part", postgresql_where=sa.text("state IN ('WAITING', 'READY')")
    )
    op.drop_index("ix_task_part_ready", table_name="task_part", postgresql_where=sa.text("state = 'READY'"))
    op.drop_index("ix_task_part_lease_expires", table_name="task_part", postgresql_where=sa.text("state = 'RUNNING'"))
    op.drop_table("task_part")
    op.drop_index("ix_task_item_task_id_state_index", table_name="task_item")
    op.drop_table("task_item")
    op.drop_index("ix_task_subject_id", table_name="task", postgresql_where=sa.text("subject_id IS NOT NULL"))
    op.drop_index("ix_task_space_id_queued", table_name="task")
    op.drop_index(
        "ix_task_open", table_name="task", postgresql_where=sa.text("state IN ('PENDING', 'RUNNING', 'CANCELLING')")
    )
    op.drop_table("task")
    op.drop_index("ix_schedule_next_run", table_name="schedule")
    op.drop_table("schedule")
    op.drop_index(
        "ix_location_missing_task_id", table_name="location", postgresql_where=sa.text("missing_task_id IS NOT NULL")
    )
    op.drop_index("ix_location_asset_id", table_name="location")
    op.drop_table("location")
    op.drop_table("token")
    op.drop_table("pool")
    op.drop_index("ix_asset_space_id_filename_id", table_name="asset")
    op.drop_index("ix_asset_blob_sha512", table_name="asset", postgresql_where=sa.text("blob_sha512 IS NOT NULL"))
    op.drop_table("asset")
    op.drop_table("user")
    op.drop_table("space")
    op.drop_table("relay_position")
    op.drop_index("ix_event_xid_id", table_name="event")
    op.drop_table("event")
    op.drop_table("blob")
