"""The console's application without its process, on servers that a test may lack."""

import re
from pathlib import Path
from typing import Any, Final

from flask.testing import FlaskClient

from cdb.dashboard.model.dashboards import load_dashboards
from console.app import create_app
from console.ground import Ground
from console.settings import ConsoleSettings
from monitoring.notifications.store import Store
from services.clock import Clock
from services.settings import read
from tests.support.paths import ROOT

PASSWORD: Final = "a password of a test"
NOWHERE: Final = "http://127.0.0.1:1"


def variables(data: Path) -> dict[str, str]:
    """What the console is told, of servers that nobody runs."""
    servers = ("ALERTMANAGER", "JAEGER", "PROMETHEUS", "RISK")
    return {
        "CDB_CONSOLE_DATA": str(data),
        "CDB_CONSOLE_PASSWORD": PASSWORD,
        "CDB_READER_PASSWORD": "x",
        "REDIS_PORT": "1",
        "POSTGRES_PORT": "1",
        **{f"CDB_CONSOLE_{name}": NOWHERE for name in servers},
    }


def ground_of(data: Path, clock: Clock, *, keep: int = 1_000, **changed: Any) -> Ground:
    """What the pages read from; settings are *changed* by variable."""
    dashboards = {board.uid: board for board in load_dashboards(ROOT).read.values()}
    store = Store(data, keep=keep, clock=clock)
    runbooks = ROOT / "monitoring" / "runbooks"
    settings = read(ConsoleSettings, {**variables(data), **changed})
    return Ground.of(settings, clock, store, dashboards=dashboards, runbooks=runbooks)


def client_of(ground: Ground) -> FlaskClient:
    """A browser without a page, not logged in."""
    return create_app(ground).test_client()


def token_of(client: FlaskClient) -> str:
    """The token that the console's forms carry for this browser."""
    found = re.search(r'name="token" value="([^"]+)"', client.get("/login").get_data(as_text=True))
    assert found
    return found[1]
