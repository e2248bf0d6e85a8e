"""cdb_core: watches the market's trades and turns momentum into signals."""
