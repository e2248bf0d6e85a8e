"""cdb_execution: the paper venue; it fills orders and keeps positions and cash."""
