"""A position belongs to the strategy that opened it: two strategies can hold the same symbol."""

from alembic import op

revision = "0003"
down_revision = "0002"

# Before, a symbol had one position, whoever bought and sold: all of it is taken to be its opener's,
# also a sale that is in flight.
_STATEMENTS = (
    "ALTER TABLE orders ADD COLUMN strategy text",
    """
    CREATE TEMPORARY TABLE opened ON COMMIT DROP AS
    SELECT DISTINCT ON (f.position_id) f.position_id, s.strategy
    FROM fills f JOIN orders o USING (order_id) JOIN signals s ON s.signal_id = o.signal_id
    ORDER BY f.position_id, f.fill_seq
    """,
    """
    UPDATE orders SET strategy = owner.strategy FROM (
        SELECT o.order_id, coalesce(opened.strategy, s.strategy, 'momentum_v1') AS strategy
        FROM orders o
        LEFT JOIN fills f USING (order_id)
        LEFT JOIN positions held
            ON o.state = 'placed' AND o.side = 'SELL' AND held.symbol = o.symbol AND held.quantity > 0
        LEFT JOIN opened ON opened.position_id = coalesce(f.position_id, o.position_id, held.position_id)
        LEFT JOIN signals s ON s.signal_id = o.signal_id
    ) owner WHERE owner.order_id = orders.order_id
    """,
    "ALTER TABLE orders ALTER COLUMN strategy SET NOT NULL",
    "ALTER TABLE positions ADD COLUMN strategy text",
    "UPDATE positions SET strategy = coalesce((SELECT strategy FROM opened WHERE opened.position_id = "
    "positions.position_id), 'momentum_v1')",
    "ALTER TABLE positions ALTER COLUMN strategy SET NOT NULL",
    "ALTER TABLE positions DROP CONSTRAINT positions_pkey, ADD PRIMARY KEY (symbol, strategy)",
)


def upgrade() -> None:
    """Give every order and every position its strategy."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: one row per symbol could not say whose position it is."""
    raise NotImplementedError("positions of several strategies in one symbol cannot be told apart without strategy")
