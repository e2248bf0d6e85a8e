"""The running stack that is saved or replaced: what differs between ways to run it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from cdb.backup.ledger import Programs
from cdb.running.native import Failure, Ports

TREES: Final = ("prometheus", "alert_receiver")
"""The parts whose data directories are saved."""
TRADERS: Final = ("cdb_ws", "cdb_core", "cdb_risk", "cdb_execution")
READY_S: Final = 120.0
"""How long a stack may take until it does its work again, in seconds."""
BACK_S: Final = 60.0
"""How long a part may take that was stopped for moments."""
LOOK_S: Final = 0.2


class Premises(Protocol):
    """A running stack. Every method raises StackError or OSError; what else, it says."""

    @property
    def ports(self) -> Ports:
        """Return where its parts answer."""

    @property
    def parts(self) -> frozenset[str]:
        """Return the names of its parts."""

    @property
    def status(self) -> str:
        """Return the command that shows how its parts are."""

    @property
    def workplace(self) -> Path:
        """Return a folder with room for an archive's content."""

    def programs(self) -> Programs:
        """Return PostgreSQL's programs, of the server's version. Raise ServerAway, too."""

    def remove_streams(self, *names: str) -> None:
        """Remove streams from the bus. Raise ServerAway, too."""

    def save_tree(self, part: str, target: Path) -> None:
        """Write the data of *part*, which is stopped for moments, to the compressed tar file *target*.

        Raise BackupError, too.
        """

    def replace_tree(self, part: str, source: Path) -> None:
        """Replace the data of *part*, which is stopped meanwhile, by what `save_tree` wrote. Raise BackupError, too."""

    @contextmanager
    def stopped(self, *parts: str) -> Iterator[None]:
        """Stop those of *parts* that there are; start them again at the end, whatever happened."""
        yield

    def wait_ready(self) -> Failure | None:
        """Wait until every part does its work; return what does not."""
