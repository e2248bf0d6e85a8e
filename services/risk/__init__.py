"""cdb_risk: decides which signals become orders, closes positions at their stop loss, trips the breaker."""
