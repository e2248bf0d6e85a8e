"""What cdb_execution does with each order: fill it at the paper venue, once, and book what that changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from opentelemetry.trace import Span

from services.bus.entries import Outgoing
from services.clock import Clock
from services.errors import InjectedFault, ServerAway
from services.execution import ledger_rows, report, trace
from services.execution.accounting import CannotBook, Holding, book, cash_after
from services.execution.market import NextTrades
from services.execution.results import Results
from services.execution.store import Account, Changes, ExecutionStore, Fence, HeldPosition, as_told
from services.execution.venue import VenueSettings, execute
from services.messages import Fill, Order, PositionKey, position_id_of_order
from services.runtime.faults import Faults
from services.runtime.handling import Batch, Outcome, Received
from services.runtime.timeline import Timeline
from services.topology import EXECUTION, FILLS


@dataclass
class _Done:
    """An order that became final in this batch, with what is to be recorded once the ledger has it."""

    fill: Fill | None
    span: Span


@dataclass
class _Session:
    """What one batch of orders gathers before it is written."""

    timeline: Timeline
    account: Account
    changes: Changes = field(default_factory=Changes)
    done: dict[str, _Done] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)


class ExecutionHandler:
    """Fills orders. An order that comes again gets the fill it already has.

    With a *market* an order waits for the next trade of its symbol, whose price it gets.
    """

    streams: Sequence[str] = EXECUTION.reads

    def __init__(
        self,
        store: ExecutionStore,
        venue: VenueSettings,
        *,
        clock: Clock,
        faults: Faults,
        market: NextTrades | None = None,
    ) -> None:
        self._market = market
        self._store = store
        self._venue = venue
        self._clock = clock
        self._faults = faults
        self._results = Results()
        self._known: Account | None = None

    def handle(self, batch: Batch) -> Outcome:
        """Fill every order of *batch* in one transaction."""
        timeline = Timeline()
        outcome = Outcome()
        if orders := self._arrived(batch, outcome):
            if self._market is not None:
                self._market.look()
            outcome.add(self._fill_known(orders, timeline) or self._fill_read(orders, timeline))
            outcome.afterwards.append(partial(report.orders_received, [order for _, order in orders]))
        return outcome

    def _fill_known(self, orders: list[tuple[Received, Order]], timeline: Timeline) -> Outcome | None:
        """Fill *orders* on the account that is known, as if the ledger had them as they say; None if that was wrong.

        Nobody else should change the ledger's account while this connection lasts, but the ledger decides that.
        """
        account, self._known = self._known, None
        if account is None or account.session != self._store.session:
            return None
        told = {order.order_id: order for _, order in orders}
        account.orders = {name: known for name, order in told.items() if (known := as_told(order))}
        if len(account.orders) < len(orders):
            return None
        fence = Fence([*told.values()], account.cash, account.fills_seen)
        session = _Session(timeline, account)
        return session.outcome if self._fill_all(orders, session, made_from=fence) else None

    def _fill_read(self, orders: list[tuple[Received, Order]], timeline: Timeline) -> Outcome:
        """Fill *orders* on the account as the ledger has it."""
        account = self._store.read([order.order_id for _, order in orders])
        if account is None:
            raise ServerAway("PostgreSQL", "no account has been opened yet")
        timeline.mark("read")
        session = _Session(timeline, account)
        self._fill_all(orders, session)
        return session.outcome

    def _fill_all(
        self, orders: list[tuple[Received, Order]], session: _Session, *, made_from: Fence | None = None
    ) -> bool:
        """Fill *orders* on the account of *session*; False, and nothing is done, if the ledger refuses *made_from*."""
        for item, order in orders:
            self._one(item, order, session)
        session.timeline.mark("writing")
        if session.changes.finished:
            fills_seen = self._store.write(session.changes, made_from=made_from)
            if fills_seen is None:
                return False
            session.account.fills_seen = fills_seen
        session.timeline.mark("committed")
        self._known = session.account
        session.outcome.afterwards.append(partial(_report, session))
        return True

    def housekeep(self) -> list[Outgoing]:
        """Show positions and results as the ledger has them, also after a restart without orders."""
        self._known = account = self._store.read()
        if account is not None:
            report.account(account)
            if self._store.follow(self._results):
                report.results(self._results)
                self._results.taken()
        return []

    def close(self) -> None:
        """Keep nothing: the ledger has it all."""

    def _arrived(self, batch: Batch, outcome: Outcome) -> list[tuple[Received, Order]]:
        orders = []
        for item in batch.received:
            assert isinstance(item.message, Order)  # noqa: S101  the stream's one type
            self._clock.advance(item.message.ts_event)
            try:
                self._faults.raise_if_due(item.entry.id)
            except InjectedFault as fault:
                outcome.failed.append((item, fault))
            else:
                orders.append((item, item.message))
        return orders

    def _one(self, item: Received, order: Order, session: _Session) -> None:
        known, outcome = session.account.orders.get(order.order_id), session.outcome
        if known is None:
            outcome.put_aside(item.entry, "unknown_order", f"the ledger has no {order.order_id!r:.120}")
        elif not known.is_the_same_as(order):
            outcome.put_aside(item.entry, "contradiction", f"{order.order_id!r:.120} stands otherwise in the ledger")
        elif known.fill is not None:
            outcome.outgoing.append(Outgoing(FILLS, known.fill, item.span.context if item.span else None))
            outcome.afterwards.append(report.fill_sent_again)
        elif known.state == "placed" and order.order_id not in session.done:
            trade = self._market.after(order) if self._market else None
            if self._market and trade is None:
                outcome.deferred.append(item)
                return
            span = trace.start_order(item, order, known.strategy, session.timeline)
            fill = self._fill(order, known.strategy, session, market=trade.price if trade else None)
            session.done[order.order_id] = _Done(fill, span)
            if fill is not None:
                outcome.outgoing.append(Outgoing(FILLS, fill, span.get_span_context()))

    def _fill(self, order: Order, strategy: str, session: _Session, *, market: Decimal | None) -> Fill | None:
        """Fill *order* of *strategy*, or refuse it if that has not what it would sell or pay; None then."""
        now_ns = self._clock.now_ns()
        execution = execute(order, self._venue, market=market)
        key = PositionKey(order.symbol, strategy)
        held = session.account.positions.get(key) or HeldPosition("", Holding())
        try:
            booking = book(held.holding, order.side, order.quantity, notional=execution.notional, fee=execution.fee)
            session.account.cash = cash_after(session.account.cash, booking)
        except CannotBook as refusal:
            session.changes.finished.append(ledger_rows.refused_order(order, refusal, now_ns=now_ns))
            session.outcome.afterwards.append(partial(report.order_refused, order, refusal))
            return None
        position_id = held.position_id if held.holding.quantity else position_id_of_order(order.order_id)
        session.account.positions[key] = HeldPosition(position_id, booking.holding)
        session.account.realised_pnl += booking.realised_pnl or 0
        ledger_rows.note_fill(session.changes, order, key, execution, booking, position_id=position_id, now_ns=now_ns)
        return ledger_rows.fill_message(order, execution, booking, now_ns=now_ns)


def _report(session: _Session) -> None:
    """Record what the ledger now has."""
    took_s = session.timeline.seconds("committed")
    for done in session.done.values():
        report.order_finished(done.fill, done.span, took_s)
        trace.end_order(done.span, done.fill, session.timeline, batch=len(session.done))
    if session.done:
        report.account(session.account)
