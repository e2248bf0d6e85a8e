"""cdb_risk: `python -m services.risk`."""

from flask import Flask

from services import topology
from services.risk.acting import Answer, Asked
from services.risk.action_store import ActionStore
from services.risk.decider import Decider
from services.risk.endpoints import Slowness, Trials, add_endpoints
from services.risk.handlers import RiskHandler
from services.risk.letter_desk import LetterDesk
from services.risk.operator_endpoints import OperatorEndpoints
from services.risk.report import limits, watch_held_prices, watch_staleness
from services.risk.settings import RiskSettings
from services.risk.state import RiskState
from services.risk.store import RiskStore
from services.runtime.consumer import Consumer
from services.runtime.process import Process
from services.runtime.requests import Requests
from services.settings import load


def main() -> None:
    """Build everything from the environment and decide until told to stop."""
    settings = load(RiskSettings)
    limits(settings.limits)
    process = Process.begin(topology.RISK, settings)
    slowness = Slowness()
    ledger = process.ledger("decide", writer=True)
    store = RiskStore(ledger, opening_cash=settings.opening_cash, source=settings.source)
    state = RiskState(store, settings.limits, process.clock)
    decider = Decider(state, ledger_delay_s=slowness.delay_s)
    handler = RiskHandler(
        state,
        decider,
        symbols=frozenset(settings.symbols),
        lockstep=settings.lockstep,
        note_held=process.held().note,
    )
    watch_staleness(state.price_age_s, settings.source)
    watch_held_prices(state.is_held_price_stale, settings.symbols)

    requests: Requests[Asked, Answer] = Requests(handler.act)

    def operator_endpoints(app: Flask) -> None:
        actions = ActionStore(process.ledger("operator"))
        desk = LetterDesk(process.dead_letters(), actions, process.clock)
        operator = OperatorEndpoints(requests, process.state, desk=desk, store=actions, clock=process.clock)
        operator.add_to(app, settings.operator_token)

    def test_endpoints(app: Flask) -> None:
        store = RiskStore(process.ledger("test"), opening_cash=settings.opening_cash)
        trials = Trials(store, slowness, newest_marks=state.newest_marks, limits=settings.limits, clock=process.clock)
        add_endpoints(app, trials)

    bus = process.bus(only=True)
    consumer = Consumer(bus, handler, process.state, prepare=lambda: handler.rebuild(bus), answer=requests.answer)
    process.run(consumer, add_pages=operator_endpoints, add_test_endpoints=test_endpoints)


if __name__ == "__main__":
    main()
