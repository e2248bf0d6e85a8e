"""Recompute a ledger from its own rows and say which of its rules the rows break."""

from cdb.audit.audit import audit
from cdb.audit.findings import Finding, Report, Rule
from cdb.audit.reader import read_and_audit, snapshot

__all__ = ["Finding", "Report", "Rule", "audit", "read_and_audit", "snapshot"]
