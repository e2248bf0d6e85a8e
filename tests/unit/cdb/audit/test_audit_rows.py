"""The audit's rules on rows made by hand: what no ledger of the services shows by itself."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from cdb.audit import Report, Rule, audit
from cdb.audit.rows import (
    Account,
    Adjustment,
    BreakerChange,
    Decided,
    Decision,
    Fill,
    LedgerRows,
    Order,
    Position,
    Reference,
    Signal,
    SignalOrder,
)
from services.execution.accounting import Holding, book

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIMITS = {"max_exposure": "0.5", "max_position": "0.1", "max_daily_drawdown": "0.05"}
CASH = Decimal(1000)
LIMIT = Decimal(50)
NOTHING = Decimal(0)


def d(text: str | int) -> Decimal:
    return Decimal(text)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_fill(seq: int, side: str, quantity: str, price: str, *, pnl: str | None = None, position: int = 1) -> Fill:
    return Fill(
        fill_seq=seq,
        fill_id=f"fill:order:{seq}",
        order_id=f"order:{seq}",
        position_id=f"position:order:{position}",
        symbol="BTCUSDT",
        side=side,
        quantity=d(quantity),
        price=d(price),
        notional=d(quantity) * d(price),
        fee=d("0.1"),
        realised_pnl=None if pnl is None else d(pnl),
        filled_at=at(seq),
        strategy="m",
    )


def a_decision(
    seq: int,
    seconds: float,
    *,
    cash: Decimal = CASH,
    before: Decimal = NOTHING,
    fills_seen: int = 0,
    symbol: str = "BTCUSDT",
    position: Decimal | None = None,
    reference: Decimal = CASH,
) -> Decided:
    """Give an approved purchase of 50 at 1, and its order."""
    signal = Signal(f"{symbol}:m:{seq}", symbol, "BUY", "m", seq)
    decision = Decision(
        signal_id=signal.signal_id,
        decision_seq=seq,
        verdict="approved",
        quantity=LIMIT,
        decided_at=at(seconds),
        fills_seen=fills_seen,
        cash=cash,
        equity=cash,
        reference_equity=reference,
        exposure_before=before,
        exposure_after=before + LIMIT,
        position_after=LIMIT if position is None else position,
        breaker_active=False,
        marks={"BTCUSDT": "1", "ETHUSDT": "1"},
        limits=LIMITS,
    )
    order = SignalOrder(
        f"order:{signal.signal_id}", signal.signal_id, symbol, "BUY", LIMIT, d(1), seq, "placed", None, None
    )
    return Decided(signal, decision, order)


def audited(
    *decided: Decided, adjustments: tuple[Adjustment, ...] = (), breaker: tuple[BreakerChange, ...] = ()
) -> Report:
    total = sum((adjustment.amount for adjustment in adjustments), d(0))
    return audit(
        LedgerRows(
            taken_at=at(60),
            account=Account(CASH, CASH + total, d(0)),
            decided=decided,
            references=[Reference(at(-60), CASH)],
            adjustments=list(adjustments),
            breaker=list(breaker),
        )
    )


def test_a_partial_sale_takes_its_share_of_the_cost_rounded_half_to_even() -> None:
    """Half of a cost of 100.00000001 is 50.000000005, so 50.00000000; the last sale takes the rest."""
    fills = [
        a_fill(1, "BUY", "2", "49.950000005"),
        a_fill(2, "SELL", "1", "40", pnl="-10.1"),
        a_fill(3, "SELL", "1", "40", pnl="-10.10000001"),
    ]
    report = audit(
        LedgerRows(
            taken_at=NOON,
            account=Account(CASH, CASH - d("20.20000001"), d("-20.20000001")),
            fills=fills,
            positions=[Position("BTCUSDT", "m", "position:order:1", d(0), d(0))],
        )
    )
    assert report.holds, report


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.decimals(min_value="0.00000001", max_value="1000", places=8),
            st.decimals(min_value="0.00000001", max_value="100000", places=8),
        ),
        max_size=12,
    )
)
def test_the_audits_arithmetic_and_the_services_agree(trades: list[tuple[bool, Decimal, Decimal]]) -> None:
    """They were written apart; where they differ, one of them is wrong."""
    plenty = d(10**10)
    holding, cash, realised, fills, opened = Holding(), plenty, d(0), list[Fill](), 0
    unit = d("0.00000001")
    for seq, (sells, wanted, price) in enumerate(trades, start=1):
        side = "SELL" if sells and holding.quantity else "BUY"
        quantity = min(wanted, holding.quantity) if side == "SELL" else wanted
        notional = (price * quantity).quantize(unit)
        fee = (notional / 1000).quantize(unit)
        opened = opened if holding.quantity else seq
        booking = book(holding, "SELL" if side == "SELL" else "BUY", quantity, notional=notional, fee=fee)
        template = a_fill(seq, side, str(quantity), str(price), position=opened)
        fills.append(template._replace(notional=notional, fee=fee, realised_pnl=booking.realised_pnl))
        holding, cash = booking.holding, cash + booking.cash_change
        realised += booking.realised_pnl or d(0)
    positions = [Position("BTCUSDT", "m", f"position:order:{opened}", holding.quantity, holding.cost)] if fills else []
    rows = LedgerRows(taken_at=NOON, account=Account(plenty, cash, realised), fills=fills, positions=positions)
    report = audit(rows)
    assert report.holds, [(rule.label, report.tallies[rule].shown) for rule in report.broken]


def test_decisions_on_one_read_count_the_orders_before_them_as_in_flight() -> None:
    first, second = a_decision(1, 1), a_decision(2, 1, symbol="ETHUSDT", before=LIMIT)
    assert audited(first, second).holds
    forgetful = a_decision(2, 1, symbol="ETHUSDT")
    assert audited(first, forgetful).broken == [Rule.BOOK]


def test_two_purchases_of_one_symbol_that_together_exceed_its_limit_are_named() -> None:
    decisions = [a_decision(n, 1, before=LIMIT * (n - 1), position=LIMIT * n) for n in (1, 2, 3)]
    report = audited(*decisions)
    assert report.broken == [Rule.LIMITS]
    assert report.tallies[Rule.LIMITS].breaches == 1


def test_cash_may_differ_by_adjustments_noted_before_the_decision_and_by_no_others() -> None:
    noted = (Adjustment(at(0), d(10)), Adjustment(at(1), d(20)), Adjustment(at(3), d(40)))
    for seen in (0, 10, 30):  # the newest one of those noted may have come after risk's read
        assert audited(a_decision(1, 2, cash=CASH + seen), adjustments=noted).holds, seen
    for impossible in (20, 40, 70):
        assert audited(a_decision(1, 2, cash=CASH + impossible), adjustments=noted).broken == [Rule.BOOK], impossible


def a_change(seconds: float, *, active: bool) -> BreakerChange:
    return BreakerChange(at(seconds), active, cause="mark", action_id=None, asked=None)


def test_an_approval_is_a_breach_only_while_the_breaker_was_active() -> None:
    log = (a_change(1, active=True), a_change(5, active=False))
    seen = {second: audited(a_decision(1, second), breaker=log).broken for second in (0, 1, 2, 5, 6)}
    assert seen == {0: [], 1: [], 2: [Rule.BREAKER], 5: [], 6: []}


def test_a_read_of_the_ledger_never_goes_back() -> None:
    report = audited(a_decision(1, 1), a_decision(2, 2, symbol="ETHUSDT", before=LIMIT, fills_seen=-1))
    assert report.broken == [Rule.BOOK]


def test_drawdown_is_measured_from_the_newest_reference() -> None:
    assert audited(a_decision(1, 1, reference=d(999))).broken == [Rule.DRAWDOWN]
    lost = (Adjustment(at(0), d(-50)),)
    report = audited(a_decision(1, 1, cash=d(950)), adjustments=lost)
    assert report.broken == [Rule.DRAWDOWN]


def fills_audited(
    *fills: Fill, adjustments: tuple[Adjustment, ...] = (), quantity: str, cost: str, cash: str
) -> Report:
    return audit(
        LedgerRows(
            taken_at=at(60),
            account=Account(CASH, d(cash), d(0)),
            fills=fills,
            positions=[Position("BTCUSDT", "m", "position:order:1", d(quantity), d(cost))],
            adjustments=list(adjustments),
        )
    )


def test_a_purchase_may_take_all_cash_and_not_a_unit_more() -> None:
    assert fills_audited(a_fill(1, "BUY", "1", "999.9"), quantity="1", cost="1000", cash="0").holds
    over = fills_audited(a_fill(1, "BUY", "1", "999.90000001"), quantity="1", cost="1000.00000001", cash="-0.00000001")
    assert over.broken == [Rule.NEVER_OVERDRAWN]
    assert [finding.row for finding in over.tallies[Rule.NEVER_OVERDRAWN].shown] == ["fill fill:order:1", "account"]


def test_debt_in_between_is_found_though_a_sale_has_ended_it() -> None:
    bought, sold = a_fill(1, "BUY", "1", "1099.9"), a_fill(2, "SELL", "1", "1100.1", pnl="0")
    report = fills_audited(bought, sold, quantity="0", cost="0", cash="1000")
    assert report.broken == [Rule.NEVER_OVERDRAWN]
    assert [finding.found for finding in report.tallies[Rule.NEVER_OVERDRAWN].shown] == ["-100.00000000"]


def test_cash_that_adjustments_have_taken_cannot_pay() -> None:
    """Of adjustments at about the time of a fill, nobody knows which it has seen."""
    for noted, broken in ((-60, True), (1, False), (60, False)):
        taken = (Adjustment(at(noted), d(-500)), Adjustment(at(61), d(500)))
        report = fills_audited(a_fill(1, "BUY", "1", "999.9"), adjustments=taken, quantity="1", cost="1000", cash="0")
        assert (report.broken == [Rule.NEVER_OVERDRAWN]) == broken, noted
        assert report.holds != broken


def test_a_position_that_one_order_cannot_sell_is_named() -> None:
    first, second = (a_fill(n, "BUY", "6e14", "1e-14")._replace(notional=d(6)) for n in (1, 2))
    report = fills_audited(first, second, quantity="1.2e15", cost="12.2", cash="987.8")
    assert report.broken == [Rule.SELLABLE]
    assert [finding.row for finding in report.tallies[Rule.SELLABLE].shown] == ["fill fill:order:2"]


def an_order(number: int, placed_s: float, state: str) -> Order:
    final = state != "placed"
    return Order(
        order_seq=number,
        order_id=f"order:{number}",
        cause="signal",
        position_id=None,
        trade_id=number,
        symbol="BTCUSDT",
        strategy="m",
        side="SELL",
        quantity=d(1),
        placed_at=at(placed_s),
        state=state,
        finished_at=at(placed_s) if final else None,
        refusal="no market" if final else None,
        action_id=None,
        held=None,
        asked=None,
        fill=None,
        position=None,
    )


def test_an_order_is_left_behind_once_one_of_ten_minutes_later_is_final() -> None:
    """The ledger's own time counts: a bot that has been off for days has lost nothing."""

    def report(*orders: Order) -> Report:
        return audit(LedgerRows(taken_at=at(10**6), account=Account(CASH, CASH, d(0)), orders=orders))

    assert report(an_order(1, 0, "placed")).holds
    assert report(an_order(1, 0, "placed"), an_order(2, 600, "refused"), an_order(3, 10**5, "placed")).holds
    behind = report(an_order(1, 0, "placed"), an_order(2, 601, "refused"), an_order(3, 602, "placed"))
    assert behind.broken == [Rule.FINAL_STATE]
    assert [finding.row for finding in behind.tallies[Rule.FINAL_STATE].shown] == ["order order:1"]
