"""What operators do is in the ledger: who, by which way, what, why and with which figures."""

from alembic import op

revision = "0005"
down_revision = "0004"

_STATEMENTS = (
    # subject: a symbol, a dead letter's id, an alert's name; empty where all are meant. details: the figures, as texts.
    """
    CREATE TABLE operator_actions (
        action_seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        action_id  text PRIMARY KEY CHECK (length(action_id) BETWEEN 1 AND 40),
        at         timestamptz NOT NULL,
        who        text NOT NULL CHECK (length(who) BETWEEN 1 AND 100),
        via        text NOT NULL CHECK (via IN ('command', 'console')),
        what       text NOT NULL CHECK (what IN ('trip_breaker', 'reset_breaker', 'flatten', 'resend_dead_letter',
            'discard_dead_letter', 'silence_alert', 'expire_silence')),
        subject    text NOT NULL CHECK (length(subject) <= 200),
        why        text NOT NULL CHECK (length(why) <= 500),
        details    jsonb NOT NULL
    )
    """,
    "ALTER TABLE orders ADD COLUMN action_id text REFERENCES operator_actions",
    "ALTER TABLE orders DROP CONSTRAINT orders_cause_check",
    "ALTER TABLE orders ADD CONSTRAINT orders_cause_check CHECK (cause IN ('signal', 'stop_loss', 'operator'))",
    "ALTER TABLE orders ADD CONSTRAINT orders_action_check CHECK ((cause = 'operator') = (action_id IS NOT NULL))",
    "CREATE INDEX orders_action ON orders (action_id) WHERE action_id IS NOT NULL",
    "ALTER TABLE breaker ADD COLUMN action_id text UNIQUE REFERENCES operator_actions",
    # Until now there was one thing that an operator could do to the breaker, and one way: `cdb breaker reset`.
    """
    INSERT INTO operator_actions (action_id, at, who, via, what, subject, why, details)
    SELECT 'breaker:' || breaker_seq, changed_at, 'unknown', 'command',
        CASE WHEN active THEN 'trip_breaker' ELSE 'reset_breaker' END, '', 'before the ledger recorded who and why',
        jsonb_build_object('equity', equity::text, 'reference_equity_after', reference_equity::text)
    FROM breaker WHERE cause = 'operator' ORDER BY breaker_seq
    """,
    "UPDATE breaker SET action_id = 'breaker:' || breaker_seq WHERE cause = 'operator'",
    "ALTER TABLE breaker ADD CONSTRAINT breaker_action_check CHECK ((cause = 'operator') = (action_id IS NOT NULL))",
)


def upgrade() -> None:
    """Create the table, and let orders and the breaker refer to it."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what operators did would be lost."""
    raise NotImplementedError("the actions of operators would be lost")
