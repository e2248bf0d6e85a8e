"""Backtests: files of trades through the services' own handlers in this process, with a report on what came out."""
