"""The ledger in PostgreSQL: the truth about signals, decisions, orders, fills, positions, equity and the breaker."""
