"""Cash is never negative."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forbid negative cash; an account that is in debt already may get out of it and no deeper into it."""
    least = op.get_bind().exec_driver_sql("SELECT least(0, min(cash)) FROM account").scalar_one()
    op.execute(f"ALTER TABLE account ADD CONSTRAINT account_never_overdrawn CHECK (cash >= {least})")


def downgrade() -> None:
    """Allow it again."""
    op.execute("ALTER TABLE account DROP CONSTRAINT account_never_overdrawn")
