"""The ledger whose account is looked at, as of one moment."""

from dataclasses import dataclass
from datetime import datetime

from cdb.kit.printable import printable
from services.ledger.snapshot import Snapshot
from services.risk.limits import Limits


@dataclass(frozen=True)
class Opened:
    """A ledger as of one moment. *limits* are those that the stack runs with; a saved ledger does not know its own."""

    name: str
    rows: Snapshot
    now: datetime
    """When a saved ledger ended, else when it was looked at."""
    limits: Limits | None

    @property
    def title(self) -> str:
        return f"Ledger {printable(self.name)}"
