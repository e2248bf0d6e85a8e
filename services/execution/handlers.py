"""What cdb_execution does with each order: fill it at the paper venue, once, and book what that changes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import structlog
from opentelemetry.trace import Span, use_span

from services.bus.streams import DeadEntry, Outgoing
from services.clock import NANOSECONDS, Clock, to_datetime
from services.errors import InjectedFault, ServerAway
from services.execution import trace
from services.execution.accounting import Booking, Holding, Oversold, book
from services.execution.store import Account, Changes, ExecutionStore, HeldPosition
from services.execution.venue import Execution, VenueSettings, execute
from services.messages import FILLS, ORDERS, Fill, Order, fill_id_of_order, position_id_of_order
from services.runtime.consumer import Batch, Outcome, Received
from services.runtime.faults import Faults
from telemetry import metrics

log = structlog.get_logger()


@dataclass
class _Done:
    """An order that became final in this batch, with what is to be recorded once the ledger has it."""

    fill: Fill | None
    span: Span


@dataclass
class _Session:
    account: Account
    began_ns: int
    read_ns: int
    writing_ns: int = 0
    ended_ns: int = 0
    changes: Changes = field(default_factory=Changes)
    done: dict[str, _Done] = field(default_factory=dict)


class ExecutionHandler:
    """Fills orders. An order that comes again gets the fill it already has."""

    streams: Sequence[str] = (ORDERS,)

    def __init__(self, store: ExecutionStore, venue: VenueSettings, *, clock: Clock, faults: Faults) -> None:
        self._store = store
        self._venue = venue
        self._clock = clock
        self._faults = faults

    def handle(self, batch: Batch) -> Outcome:
        """Fill every order of *batch* in one transaction."""
        began_ns = time.time_ns()
        outcome = Outcome()
        orders = self._arrived(batch, outcome)
        account = self._store.read([order.order_id for _, order in orders])
        if account is None:
            raise ServerAway("PostgreSQL", "no account has been opened yet")
        session = _Session(account, began_ns, time.time_ns())
        for item, order in orders:
            self._one(item, order, session, outcome)
        session.writing_ns = time.time_ns()
        self._store.write(session.changes)
        session.ended_ns = time.time_ns()
        outcome.afterwards.append(lambda: self._report([order for _, order in orders], session))
        return outcome

    def housekeep(self) -> list[Outgoing]:
        """Show positions and results as the ledger has them, also after a restart without orders."""
        if (account := self._store.read()) is not None:
            self._show(account)
        return []

    def close(self) -> None:
        """Keep nothing: the ledger has it all."""

    def _arrived(self, batch: Batch, outcome: Outcome) -> list[tuple[Received, Order]]:
        orders = []
        for item in batch.received:
            if not isinstance(item.message, Order):
                continue
            self._clock.advance(item.message.ts_event)
            try:
                self._faults.raise_if_due(item.entry.id)
            except InjectedFault as fault:
                outcome.failed.append((item, fault))
            else:
                orders.append((item, item.message))
        return orders

    def _one(self, item: Received, order: Order, session: _Session, outcome: Outcome) -> None:
        known = session.account.orders.get(order.order_id)
        if known is None:
            outcome.dead.append(DeadEntry(item.entry, "unknown_order", f"the ledger has no {order.order_id!r:.120}"))
        elif not known.is_the_same_as(order):
            detail = f"{order.order_id!r:.120} stands otherwise in the ledger"
            outcome.dead.append(DeadEntry(item.entry, "contradiction", detail))
        elif known.fill is not None:
            outcome.outgoing.append(Outgoing(FILLS, known.fill, item.span.context if item.span else None))
            outcome.afterwards.append(metrics.messages_recovered.labels(stream=FILLS).inc)
        elif known.state == "placed" and order.order_id not in session.done:
            span = trace.start(item, order, began_ns=session.began_ns)
            fill = self._fill(order, session)
            session.done[order.order_id] = _Done(fill, span)
            if fill is not None:
                outcome.outgoing.append(Outgoing(FILLS, fill, span.get_span_context()))

    def _fill(self, order: Order, session: _Session) -> Fill | None:
        """Fill *order*, or refuse it if it would sell what is not there; None then."""
        now_ns = self._clock.now_ns()
        execution = execute(order, self._venue)
        held = session.account.positions.get(order.symbol) or HeldPosition("", Holding())
        try:
            booking = book(held.holding, order.side, order.quantity, notional=execution.notional, fee=execution.fee)
        except Oversold as oversold:
            log.warning("order refused", order=order.order_id, reason=str(oversold))
            session.changes.finished.append(
                {
                    "order_id": order.order_id,
                    "state": "refused",
                    "finished_at": to_datetime(now_ns),
                    "refusal": f"INSUFFICIENT_POSITION: {oversold}",
                }
            )
            return None
        position_id = held.position_id if held.holding.quantity else position_id_of_order(order.order_id)
        session.account.positions[order.symbol] = HeldPosition(position_id, booking.holding)
        self._note(order, execution, booking, session, position_id=position_id, now_ns=now_ns)
        return _fill_message(order, execution, booking, now_ns)

    def _note(
        self, order: Order, execution: Execution, booking: Booking, session: _Session, *, position_id: str, now_ns: int
    ) -> None:
        when = to_datetime(now_ns)
        changes = session.changes
        changes.finished.append({"order_id": order.order_id, "state": "filled", "finished_at": when})
        changes.fills.append(
            {
                "fill_id": fill_id_of_order(order.order_id),
                "order_id": order.order_id,
                "position_id": position_id,
                "symbol": order.symbol,
                "side": order.side,
                "quantity": order.quantity,
                "price": execution.price,
                "notional": execution.notional,
                "fee": execution.fee,
                "slippage_bps": execution.slippage_bps,
                "realised_pnl": booking.realised_pnl,
                "filled_at": when,
            }
        )
        changes.positions[order.symbol] = {
            "symbol": order.symbol,
            "position_id": position_id,
            "quantity": booking.holding.quantity,
            "cost": booking.holding.cost,
            "opened_at": when,
            "updated_at": when,
        }
        changes.cash_change += booking.cash_change
        changes.realised += booking.realised_pnl or Decimal(0)
        session.account.realised_pnl += booking.realised_pnl or Decimal(0)

    def _report(self, arrived: list[Order], session: _Session) -> None:
        """Record what the ledger now has; a span must not have ended while a value is recorded in it."""
        for order in arrived:
            metrics.orders_received.labels(symbol=order.symbol).inc()
        took_s = (session.ended_ns - session.began_ns) / NANOSECONDS
        for done in session.done.values():
            with use_span(done.span, end_on_exit=False):
                metrics.order_execution_duration_seconds.labels(exchange="paper").observe(took_s)
                metrics.event_processing_duration_seconds.labels(service="cdb_execution", event_type="order").observe(
                    took_s
                )
                if done.fill is not None:
                    fill = done.fill
                    metrics.record_trade(fill.symbol, fill.side, pnl=fill.realised_pnl, slippage=fill.slippage_bps)
                    log.info(
                        "filled",
                        order=fill.order_id,
                        side=fill.side,
                        quantity=str(fill.quantity),
                        price=str(fill.price),
                        realised_pnl=None if fill.realised_pnl is None else str(fill.realised_pnl),
                    )
            trace.describe(done.span, done.fill)
            done.span.end(session.ended_ns)
            self._record_steps(done.span, session)
        if session.done:
            self._show(session.account)

    @staticmethod
    def _record_steps(span: Span, session: _Session) -> None:
        trace.record_steps(
            span.get_span_context(),
            read=(session.began_ns, session.read_ns),
            written=(session.writing_ns, session.ended_ns),
            batch=len(session.done),
        )

    @staticmethod
    def _show(account: Account) -> None:
        metrics.update_pnl(account.realised_pnl)
        metrics.update_positions({symbol: held.holding.quantity for symbol, held in account.positions.items()})


def _fill_message(order: Order, execution: Execution, booking: Booking, now_ns: int) -> Fill:
    return Fill(
        ts_event=now_ns,
        ts_init=now_ns,
        fill_id=fill_id_of_order(order.order_id),
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        price=execution.price,
        fee=execution.fee,
        slippage_bps=execution.slippage_bps,
        realised_pnl=booking.realised_pnl,
    )
