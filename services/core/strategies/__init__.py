"""Strategies, one module each, called as CDB_STRATEGIES names them."""
