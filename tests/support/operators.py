"""cdb_risk's answers to operators, on a trading day under a test's control."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from services.bus.dead_letters import DeadLetters
from services.clock import WallClock
from services.risk.acting import Answer, Asked
from services.risk.action_store import ActionStore
from services.risk.letter_desk import LetterDesk
from services.risk.operator_endpoints import OperatorEndpoints
from services.runtime.health import Health
from services.runtime.http_server import WebServer
from services.runtime.loop_state import LoopState
from services.runtime.requests import Requests
from services.runtime.web import create_app
from services.settings import OperatorSettings
from services.topology import ORDERS
from tests.support.http import ask
from tests.support.servers import Database
from tests.support.trading import TradingDay

ASKED: Final = {"who": "olga", "via": "console", "why": "a test"}


@dataclass(frozen=True)
class Answering:
    """Where operators are answered."""

    database: Database
    port: int

    def environment(self) -> dict[str, str]:
        """Environment in which `cdb` finds it."""
        return self.database.environment(CDB_RISK_PORT=str(self.port))

    def ask(self, path: str, *, token: str | None = None, **body: Any) -> tuple[int, Any]:
        """Ask as an operator does, with the stack's token unless another one is given; the status and the answer."""
        right = self.database.environment()["CDB_OPERATOR_TOKEN"]
        headers = {"Authorization": f"Bearer {right if token is None else token}"}
        return ask(self.port, f"/operator/{path}", post=json.dumps({**ASKED, **body}).encode(), headers=headers)


@contextmanager
def answering(day: TradingDay, *, fills: bool = True) -> Iterator[Answering]:
    """Answer operators while the block runs, which leaves *day* alone meanwhile.

    Orders are filled at once, unless not *fills*.
    """
    settings = OperatorSettings.model_validate(day.database.environment())
    requests: Requests[Asked, Answer] = Requests(day.risk.act)
    state, over = LoopState(), threading.Event()
    with closing(day.database.ledger("operator")) as ledger, closing(day.database.servers.redis()) as client:
        actions, clock = ActionStore(ledger), WallClock()
        desk = LetterDesk(DeadLetters(client), actions, clock)
        app = create_app("cdb_risk", Health(state, {}, lambda _healthy: None))
        OperatorEndpoints(requests, state, desk=desk, store=actions, clock=clock).add_to(app, settings.operator_token)

        def loop() -> None:
            while not over.wait(0.01):
                state.turned()
                day.waiting += [item for item in requests.answer() if item.stream == ORDERS]
                if fills and day.waiting:
                    day.execute()

        thread = threading.Thread(target=loop, daemon=True)
        server = WebServer(app, host="127.0.0.1", port=0)
        state.turned()
        thread.start()
        try:
            yield Answering(day.database, server.port)
        finally:
            over.set()
            thread.join(10)
            server.close()
