"""What may go wrong between processes, in this project's own words."""

from typing import Final, Literal

Server = Literal["Redis", "PostgreSQL"]
BUS: Final = "Redis"


class ServerAway(Exception):
    """A server that this process needs cannot do its work now; whoever meets this waits and tries again."""

    def __init__(self, server: Server, detail: object) -> None:
        self.server: Server = server
        self.detail = " ".join(str(detail).split())[:200]
        super().__init__(f"{server}: {self.detail}")


class Standby(ServerAway):
    """Another process does this one's work; this one waits, ready to take over."""

    def __init__(self, detail: object) -> None:
        super().__init__(BUS, detail)


class Superseded(Exception):
    """Another process has worked in this one's place. What this one knows is out of date, so it must end."""


class InjectedFault(Exception):
    """An error that an operator asked for through a test endpoint."""
