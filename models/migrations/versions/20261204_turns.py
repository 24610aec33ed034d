"""Parts of tasks have turns."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_READY = sa.text("state = 'READY'")
_BEGUN = sa.text("state IN ('READY', 'RUNNING')")


def upgrade() -> None:
    op.add_column("task_part", sa.Column("space_id", sa.Uuid(), nullable=True))
    op.add_column("task_part", sa.Column("turn", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.execute(
        "UPDATE task_part SET space_id = task.space_id FROM task WHERE task.id = task_id AND task.finished IS NULL"
    )
    op.drop_index("ix_task_part_ready", "task_part")
    op.create_index(
        "ix_task_part_ready", "task_part", ["queue", sa.text("priority DESC"), "turn", "id"], postgresql_where=_READY
    )
    op.create_index("ix_task_part_begun", "task_part", ["task_id"], postgresql_where=_BEGUN)


def downgrade() -> None:
    op.drop_index("ix_task_part_begun", "task_part")
    op.drop_index("ix_task_part_ready", "task_part")
    op.create_index(
        "ix_task_part_ready", "task_part", ["queue", sa.text("priority DESC"), "ready_at"], postgresql_where=_READY
    )
    op.drop_column("task_part", "turn")
    op.drop_column("task_part", "space_id")
