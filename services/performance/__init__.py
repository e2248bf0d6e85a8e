"""The figures of an account, defined once: what its closed trades earned, and what its equity risked.

Pure: no server, no file, no clock. Rows come from the ledger's `closed_trades` and `equity_marks`; `figures.py` has the
definition of every figure. A figure that does not exist yet is None, never 0. Shares are fractions: 0.05 is 5 %.
"""
