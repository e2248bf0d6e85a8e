"""Decisions as the ledger has them: which were asked for, what each was based on, and what became of it."""
