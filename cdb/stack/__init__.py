"""Run a whole stack, the operator's or an isolated one beside it."""

from cdb.stack.config import Health, Kind, Part, StackConfig
from cdb.stack.errors import StackError
from cdb.stack.parts import ALL_PARTS, TRADING, select
from cdb.stack.ports import Ports
from cdb.stack.readiness import Failure, PartStatus
from cdb.stack.stack import Stack

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
]
