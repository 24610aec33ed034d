"""Events and deliveries carry the trace of what set them going; tasks keep diagnostics."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("event", sa.Column("trace_id", sa.Text(), nullable=True))
    op.add_column("webhook_delivery", sa.Column("trace_id", sa.Text(), nullable=True))
    op.add_column("task", sa.Column("diagnostics", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False))
    op.create_table(
        "task_diagnostic",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_task_diagnostic_task_id_task"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "name", name=op.f("pk_task_diagnostic")),
    )


def downgrade() -> None:
    op.drop_table("task_diagnostic")
    op.drop_column("task", "diagnostics")
    op.drop_column("webhook_delivery", "trace_id")
    op.drop_column("event", "trace_id")
