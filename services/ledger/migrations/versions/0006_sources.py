"""The account knows the sources of trades that it has used: prices of two markets do not mix."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the sources in the order of their first use; NULL until cdb_risk starts on an account of before."""
    op.execute("ALTER TABLE account ADD COLUMN sources text[] CHECK (cardinality(sources) > 0)")


def downgrade() -> None:
    """Forget them."""
    op.execute("ALTER TABLE account DROP COLUMN sources")
