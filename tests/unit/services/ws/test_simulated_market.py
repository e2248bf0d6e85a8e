"""The simulated market: what it does to prices."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clock import EventClock
from services.settings import DEFAULT_SYMBOLS
from services.ws.simulated_market import BASE_PRICES, OTHER_BASE_PRICE, Market, MarketSettings
from services.ws.trades import RawTrade, TradeCheck
from tests.support.building import NOW, SECOND, quick


def a_market(symbols: tuple[str, ...] = DEFAULT_SYMBOLS, *, seed: int = 1, trades_per_second: float = 20.0) -> Market:
    return Market(symbols, MarketSettings(trades_per_second=trades_per_second), seed=seed)


def trades(market: Market, *, first_id: int = 1) -> Iterator[RawTrade]:
    trade_id = first_id
    while True:
        yield market.next_trade(trade_id=trade_id, start_ns=NOW)
        trade_id += 1


def until_s(market: Market, seconds: float) -> list[RawTrade]:
    found: list[RawTrade] = []
    for trade in trades(market):
        if market.now_s > seconds:
            return found
        found.append(trade)
    raise AssertionError


def test_same_seed_gives_the_same_trades_and_another_one_others() -> None:
    first, again, other = (list(islice(trades(a_market(seed=seed)), 200)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@quick
@given(st.integers(), st.integers(1, 5), st.floats(0.1, 1000))
def test_every_trade_is_one_that_is_accepted(seed: int, symbols: int, trades_per_second: float) -> None:
    names = tuple(f"COIN{number}USDT" for number in range(symbols))
    check = TradeCheck(names, EventClock())
    market = a_market(names, seed=seed, trades_per_second=trades_per_second)
    for trade in islice(trades(market), 60):
        assert check.objection(trade) is None


def test_times_rise_at_the_rate_that_was_set() -> None:
    found = until_s(a_market(trades_per_second=50), 60)
    times = [trade.ts_event for trade in found]
    assert times == sorted(times)
    assert NOW <= times[0] < times[-1] < NOW + 60 * SECOND
    assert len(found) == pytest.approx(3000, rel=0.1)


def test_prices_begin_at_their_base_and_have_six_digits() -> None:
    market = a_market(("BTCUSDT", "XRPUSDT", "NEWUSDT"))
    first: dict[str, Decimal] = {}
    for trade in islice(trades(market), 30):
        first.setdefault(trade.symbol, trade.price)
    for symbol, price in first.items():
        assert float(price) == pytest.approx(BASE_PRICES.get(symbol, OTHER_BASE_PRICE), rel=0.002)
        assert len(price.as_tuple().digits) == 6


def test_price_stays_near_its_base_for_a_day() -> None:
    market = a_market(trades_per_second=1.0)
    for trade in islice(trades(market), 20_000):
        assert abs(float(trade.price) / BASE_PRICES[trade.symbol] - 1) < 0.05
    assert market.now_s > 15_000


def test_restarted_market_goes_on_from_the_prices_seen_last() -> None:
    market = a_market()
    market.start_from({"BTCUSDT": Decimal("31234.5"), "ETHUSDT": Decimal("0.00001"), "UNKNOWN": Decimal(1)})
    seen = {trade.symbol: float(trade.price) for trade in until_s(market, 3)}
    assert seen["BTCUSDT"] == pytest.approx(31234.5, rel=0.002)
    assert seen["ETHUSDT"] == pytest.approx(0.00001, rel=0.002)
    assert seen["SOLUSDT"] == pytest.approx(BASE_PRICES["SOLUSDT"], rel=0.002)


def test_prices_seen_last_hold_in_the_middle_of_a_wave_too() -> None:
    market = a_market()
    until_s(market, 20)
    market.start_from({"BTCUSDT": Decimal(50_000)})
    nxt = next(trade for trade in trades(market) if trade.symbol == "BTCUSDT")
    assert float(nxt.price) == pytest.approx(50_000, rel=0.003)


def test_shock_moves_one_price_for_good() -> None:
    market = a_market()
    market.shock("BTCUSDT", -0.1)
    for trade in until_s(market, 120):
        expected = BASE_PRICES[trade.symbol] * (0.9 if trade.symbol == "BTCUSDT" else 1)
        assert abs(float(trade.price) / expected - 1) < 0.05


def test_a_symbol_that_joins_later_has_trades_from_then_on_at_the_price_it_is_given() -> None:
    market = a_market(("BTCUSDT",))
    assert {trade.symbol for trade in until_s(market, 30)} == {"BTCUSDT"}
    market.add(["OTHERUSDT"])
    market.start_from({"OTHERUSDT": Decimal("7.5")})
    joined = [trade.price for trade in until_s(market, 60) if trade.symbol == "OTHERUSDT"]
    assert joined
    assert abs(joined[0] / Decimal("7.5") - 1) < Decimal("0.01")
