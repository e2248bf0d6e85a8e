"""Run a whole stack, the operator's or an isolated one beside it."""

from cdb.running.errors import StackError
from cdb.running.native.config import Health, Kind, Part, StackConfig
from cdb.running.native.parts import ALL_PARTS, TRADING, select, with_needs, with_standbys
from cdb.running.native.ports import Ports
from cdb.running.native.readiness import Failure, PartStatus
from cdb.running.native.stack import Stack

__all__ = [
    "ALL_PARTS",
    "TRADING",
    "Failure",
    "Health",
    "Kind",
    "Part",
    "PartStatus",
    "Ports",
    "Stack",
    "StackConfig",
    "StackError",
    "select",
    "with_needs",
    "with_standbys",
]
