"""Outcomes of items that ended alike are kept in runs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "task_item_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_task_item_run_task_id_task", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_task_item_run"),
    )
    op.create_index("ix_task_item_run_task_id_first_id", "task_item_run", ["task_id", "first", "id"])
    # Compressing hashes and ids takes longer than writing them.
    op.execute("ALTER TABLE task_item_run ALTER COLUMN items SET STORAGE EXTERNAL")
    op.drop_index("ix_task_item_task_id_state_index", table_name="task_item")


def downgrade() -> None:
    op.create_index("ix_task_item_task_id_state_index", "task_item", ["task_id", "state", "index"])
    op.drop_table("task_item_run")
