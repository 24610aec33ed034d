"""Pipelines that run by themselves, rest, and tell how far their nodes are."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    for table in ("pipeline", "pipeline_version"):
        op.add_column(table, sa.Column("trigger", postgresql.JSONB(), nullable=True))
    op.add_column("schedule", sa.Column("pipeline_id", sa.Uuid(), nullable=True))
    op.create_unique_constraint("uq_schedule_pipeline_id", "schedule", ["pipeline_id"])
    op.create_foreign_key(
        "fk_schedule_pipeline_id_pipeline", "schedule", "pipeline", ["pipeline_id"], ["id"], ondelete="CASCADE"
    )
    op.add_column("task", sa.Column("is_paused", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "run_node",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("processed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", "node_id", name="pk_run_node"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_run_node_task_id_task", ondelete="CASCADE"),
    )


def downgrade() -> None:
    op.drop_table("run_node")
    op.drop_column("task", "is_paused")
    op.drop_column("schedule", "pipeline_id")
    for table in ("pipeline_version", "pipeline"):
        op.drop_column(table, "trigger")
