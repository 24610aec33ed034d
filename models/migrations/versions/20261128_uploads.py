"""Uploads that come in over several requests."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("space_id", sa.Uuid(), nullable=False),
        sa.Column("creator_id", sa.Uuid(), nullable=False),
        sa.Column("created", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("offset", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("pieces", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("writer", sa.Uuid(), nullable=True),
        sa.Column("metadata_text", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("library_id", sa.Uuid(), nullable=True),
        sa.Column("digests", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("is_partial", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("parts", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("final_id", sa.Uuid(), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["space_id"], ["space.id"], name="fk_upload_space_id_space", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["creator_id"], ["user.id"], name="fk_upload_creator_id_user", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
    )
    op.create_index("ix_upload_expires", "upload", ["expires"])


def downgrade() -> None:
    op.drop_table("upload")
