"""Market sources, one module each, called as CDB_SOURCE names them."""
