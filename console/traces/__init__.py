"""Stored traces: which are listed, what one says, and the services' log lines that belong to it."""
