"""Paths of any length: the unique index of locations holds their beginnings and, of the long ones, their hashes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.drop_constraint(op.f("uq_location_pool_id_path"), "location", type_="unique")
    op.create_index(
        "uq_location_pool_id_path",
        "location",
        [
            "pool_id",
            sa.text("substr(path, 1, 2000)"),
            sa.text("substr(sha256(path), 1, GREATEST(0, octet_length(path) - 2000) * 32)"),
        ],
        unique=True,
    )


def downgrade() -> None:
    op.drop_index("uq_location_pool_id_path", table_name="location")
    op.create_unique_constraint(op.f("uq_location_pool_id_path"), "location", ["pool_id", "path"])
