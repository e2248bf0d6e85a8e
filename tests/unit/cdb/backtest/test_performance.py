"""Trades and their sums, from fills."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from cdb.backtest.performance import Figures, Filled, figures, figures_by, trades_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def fill(position: str, side: str, quantity: str, minute: int, pnl: str | None = None, cause: str = "signal") -> Filled:
    """A fill at 100 with a fee of 1."""
    return Filled(
        position_id=position,
        symbol=position[:3],
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(100),
        notional=100 * Decimal(quantity),
        fee=Decimal(1),
        realised_pnl=None if pnl is None else Decimal(pnl),
        filled_at=NOON + timedelta(minutes=minute),
        cause=cause,
        strategy="momentum_v1" if cause == "signal" else None,
    )


FILLS = [
    fill("BTC-1", "BUY", "2", 0),
    fill("ETH-1", "BUY", "1", 1),
    fill("BTC-1", "SELL", "1", 2, "5"),
    fill("BTC-1", "SELL", "1", 4, "-2"),
    fill("ETH-1", "SELL", "1", 5, "-9", "stop_loss"),
    fill("BTC-2", "BUY", "1", 6),
]


def test_a_trade_lasts_until_nothing_is_held() -> None:
    btc, eth, still_open = trades_of(FILLS)
    assert (btc.result, btc.fees, btc.seconds, btc.ended_by) == (Decimal(3), Decimal(3), 240, "signal")
    assert (eth.result, eth.fees, eth.strategy, eth.ended_by) == (Decimal(-9), Decimal(2), "momentum_v1", "stop_loss")
    assert (still_open.closed_at, still_open.held, still_open.seconds) == (None, Decimal(1), 0)


def test_only_closed_trades_count() -> None:
    found = figures(trades_of(FILLS))
    assert found == Figures(trades=2, win_rate=Decimal("0.5"), result=Decimal(-6), fees=Decimal(5), mean_seconds=240)


def test_figures_are_told_apart_by_symbol() -> None:
    found = figures_by(trades_of(FILLS), lambda trade: trade.symbol)
    assert {symbol: (one.trades, one.win_rate, one.result) for symbol, one in found.items()} == {
        "BTC": (1, Decimal(1), Decimal(3)),
        "ETH": (1, Decimal(0), Decimal(-9)),
    }


def test_without_any_trade_there_is_no_win_rate() -> None:
    assert figures([]).win_rate is None
