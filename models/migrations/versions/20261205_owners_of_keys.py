"""Keys of requests belong to the request that carries them out."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("idempotency_key", sa.Column("owner", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("idempotency_key", "owner")
