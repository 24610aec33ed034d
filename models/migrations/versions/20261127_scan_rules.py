"""What a scan looks at, and where the root of a pool lies."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("pool", sa.Column("scan_rules", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("pool", sa.Column("is_watched", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("pool", sa.Column("root_device", sa.BigInteger(), nullable=True))
    op.add_column("pool", sa.Column("root_fsid", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("pool", "root_fsid")
    op.drop_column("pool", "root_device")
    op.drop_column("pool", "is_watched")
    op.drop_column("pool", "scan_rules")
