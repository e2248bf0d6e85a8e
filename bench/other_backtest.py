"""The rule of momentum_v1 in nautilus_trader's event-driven engine, on a file of trades; for bench/backtest.py only.

Run it with a Python that has nautilus_trader: python bench/other_backtest.py FILE SETTINGS, settings as JSON. It knows
nothing of this project: no limits, no stop loss, no ledger; a purchase is worth a fixed amount.
"""
# mypy: ignore-errors

import csv
import json
import sys
import time
from collections import deque
from decimal import Decimal

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, CurrencyType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

SECOND = 1_000_000_000
VENUE = Venue("BINANCE")
WORTH = 8_500.0


class Momentum(Strategy):
    def __init__(self, instruments, settings):
        super().__init__()
        self._threshold = float(settings["MOMENTUM_THRESHOLD_PCT"])
        self._cooldown_ns = int(float(settings["MOMENTUM_COOLDOWN_S"]) * SECOND)
        self._instruments = {instrument.id: instrument for instrument in instruments}
        self._windows = {instrument.id: deque() for instrument in instruments}
        self._volumes = dict.fromkeys(self._windows, 0.0)
        self._quiet_until = dict.fromkeys(self._windows, 0)
        self._held = {}
        self.signals = 0

    def on_start(self):
        for instrument_id in self._instruments:
            self.subscribe_trade_ticks(instrument_id)

    def on_trade_tick(self, tick):
        name, now, price = tick.instrument_id, tick.ts_event, float(tick.price)
        notional = price * float(tick.size)
        window = self._windows[name]
        window.append((now, price, notional))
        volume = self._volumes[name] + notional
        while window[0][0] < now - 5 * SECOND:
            volume -= window.popleft()[2]
        self._volumes[name] = volume
        momentum = price / window[0][1] - 1
        if abs(momentum) < self._threshold or now < self._quiet_until[name] or volume < 1000:
            return
        self._quiet_until[name] = now + self._cooldown_ns
        self.signals += 1
        held = self._held.get(name)
        if momentum > 0 and held is None:
            quantity = self._instruments[name].make_qty(WORTH / price)
            self._held[name] = quantity
            self.submit_order(self.order_factory.market(name, OrderSide.BUY, quantity))
        elif momentum < 0 and held is not None:
            del self._held[name]
            self.submit_order(self.order_factory.market(name, OrderSide.SELL, held))


def instrument_of(symbol):
    base = Currency(symbol[:-4], 8, 0, symbol[:-4], CurrencyType.CRYPTO)
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol(symbol), VENUE),
        raw_symbol=Symbol(symbol),
        base_currency=base,
        quote_currency=USDT,
        price_precision=6,
        size_precision=6,
        price_increment=Price(0.000001, 6),
        size_increment=Quantity(0.000001, 6),
        ts_event=0,
        ts_init=0,
        maker_fee=Decimal("0.0001"),
        taker_fee=Decimal("0.0001"),
    )


def main():
    began = time.perf_counter()
    instruments, ticks = {}, []
    with open(sys.argv[1], newline="") as file:
        for row in csv.DictReader(file):
            if row["symbol"] not in instruments:
                instruments[row["symbol"]] = instrument_of(row["symbol"])
            instrument = instruments[row["symbol"]]
            ns = int(row["ts_ms"]) * 1_000_000
            side = AggressorSide.BUYER if row["side"] == "BUY" else AggressorSide.SELLER
            price, size = Price(float(row["price"]), 6), Quantity(float(row["quantity"]), 6)
            ticks.append(TradeTick(instrument.id, price, size, side, TradeId(row["trade_id"]), ns, ns))
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USDT,
        starting_balances=[Money(100_000, USDT)],
        trade_execution=True,
    )
    for instrument in instruments.values():
        engine.add_instrument(instrument)
    strategy = Momentum(list(instruments.values()), json.loads(sys.argv[2]))
    engine.add_strategy(strategy)
    engine.add_data(ticks)
    engine.run()
    seconds = time.perf_counter() - began
    orders = len(engine.cache.orders())
    print(json.dumps({"trades_per_second": len(ticks) / seconds, "signals": strategy.signals, "orders": orders}))


if __name__ == "__main__":
    main()
