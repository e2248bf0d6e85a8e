"""All four services in one thread, on a bus in memory and one real ledger: for backtests and simulations."""
