"""What the account has earned and risked: closed trades, and equity minute by minute."""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = (
    "CREATE INDEX fills_position ON fills (position_id)",
    # From the fills alone. Every column is a key of the group or an aggregate, so a position is found by the index.
    """
    CREATE VIEW closed_trades AS
    SELECT f.position_id, min(o.strategy) AS strategy, min(f.symbol) AS symbol,
        min(f.filled_at) AS opened_at, max(f.filled_at) AS closed_at,
        sum(f.quantity) FILTER (WHERE f.side = 'BUY') AS quantity,
        sum(f.notional) FILTER (WHERE f.side = 'BUY') / sum(f.quantity) FILTER (WHERE f.side = 'BUY') AS entry,
        sum(f.notional) FILTER (WHERE f.side = 'SELL') / sum(f.quantity) FILTER (WHERE f.side = 'SELL') AS exit,
        sum(f.notional + f.fee) FILTER (WHERE f.side = 'BUY') AS cost,
        sum(f.fee) AS fees,
        sum(f.realised_pnl) AS result,
        (array_agg(o.cause ORDER BY f.fill_seq DESC))[1] AS cause,
        max(f.fill_seq) AS closed_seq
    FROM fills f JOIN orders o USING (order_id)
    GROUP BY f.position_id
    HAVING sum(CASE f.side WHEN 'BUY' THEN f.quantity ELSE -f.quantity END) = 0
    """,
    # The account as it was at that moment: every minute in which prices came, 00:00 UTC, and each reset.
    """
    CREATE TABLE equity_marks (
        at               timestamptz PRIMARY KEY,
        cash             numeric NOT NULL,
        exposure         numeric NOT NULL,
        equity           numeric NOT NULL,
        reference_equity numeric NOT NULL,
        drawdown         numeric NOT NULL CHECK (drawdown >= 0),
        fills_seen       bigint NOT NULL,
        marks            jsonb NOT NULL
    )
    """,
)


def upgrade() -> None:
    """Create the view and the table."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: equity cannot be computed again without the prices of then."""
    raise NotImplementedError("the marks of equity would be lost")
