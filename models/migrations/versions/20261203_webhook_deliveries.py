"""Deliveries of webhooks: what is sent, when, and how it went."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)
_ORDERING = sa.Enum("NONE", "ELEMENT", "ALL", name="ordering", native_enum=False, length=16)
_STATE = sa.Enum("PENDING", "DELIVERED", "FAILED", name="deliverystate", native_enum=False, length=16)
_PENDING = sa.text("state = 'PENDING'")


def upgrade() -> None:
    for column in (
        sa.Column("library_ids", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("collection_ids", postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_secret_until", _INSTANT, nullable=True),
        sa.Column("ordering", _ORDERING, server_default=sa.text("'NONE'"), nullable=False),
        sa.Column("most_concurrent", sa.BigInteger(), server_default=sa.text("2"), nullable=False),
        sa.Column("most_per_second", sa.BigInteger(), nullable=True),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column("failures", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since", _INSTANT, nullable=True),
        sa.Column("open_until", _INSTANT, nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("claimed", _INSTANT, nullable=True),
    ):
        op.add_column("webhook", column)
    # All that is sent is signed. Whoever has never set a secret sets one now, or lets one be made.
    op.execute(
        """UPDATE webhook SET secret_token = 'whsec_' || encode(sha256(CAST(
               gen_random_uuid()::text || gen_random_uuid()::text AS bytea)), 'base64') WHERE secret_token IS NULL"""
    )
    op.alter_column("webhook", "secret_token", nullable=False)
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", _STATE, server_default=sa.text("'PENDING'"), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due", _INSTANT, server_default=sa.text("now()"), nullable=True),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("log", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("created", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("finished", _INSTANT, nullable=True),
        sa.CheckConstraint("(state = 'PENDING') = (due IS NOT NULL)", name=op.f("ck_webhook_delivery_pending_is_due")),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name="fk_webhook_delivery_webhook_id_webhook", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
        sa.UniqueConstraint("webhook_id", "event_id", name="uq_webhook_delivery_webhook_id_event_id"),
    )
    op.create_index("ix_webhook_delivery_webhook_id", "webhook_delivery", ["webhook_id", "id"])
    op.create_index("ix_webhook_delivery_due", "webhook_delivery", ["webhook_id", "due"], postgresql_where=_PENDING)
    op.create_index(
        "ix_webhook_delivery_number", "webhook_delivery", ["webhook_id", "number"], postgresql_where=_PENDING
    )
    op.create_index(
        "ix_webhook_delivery_subject", "webhook_delivery", ["webhook_id", "subject_id", "number"],
        postgresql_where=_PENDING,
    )  # fmt: skip
    op.create_index(
        "ix_webhook_delivery_lease", "webhook_delivery", ["webhook_id"], postgresql_where=sa.text("lease IS NOT NULL")
    )
    op.create_index(
        "ix_webhook_delivery_finished", "webhook_delivery", ["finished"],
        postgresql_where=sa.text("finished IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("webhook_delivery")
    op.alter_column("webhook", "secret_token", nullable=True)
    for column in (
        "library_ids", "collection_ids", "previous_secret", "previous_secret_until", "ordering", "most_concurrent",
        "most_per_second", "token_id", "failures", "failing_since", "open_until", "disabled_reason", "claimed",
    ):  # fmt: skip
        op.drop_column("webhook", column)
