"""Messages as a stranger would write them: right but for what a test changes."""

import json
from typing import Any

NOW = 1_795_000_000_000_000_000


def trade(**changes: Any) -> bytes:
    fields = {
        "v": 1, "ts_event": NOW, "ts_init": NOW, "symbol": "BTCUSDT", "trade_id": 1, "side": "BUY", "price": "64000",
        "quantity": "0.1", "source": "simulated", "feed": 1, "sequence": 1,
    }  # fmt: skip
    return json.dumps({**fields, **changes}).encode()


def without(data: bytes, name: str) -> bytes:
    fields = json.loads(data)
    del fields[name]
    return json.dumps(fields).encode()


def signal(**changes: Any) -> bytes:
    fields = {
        "v": 1, "ts_event": NOW, "ts_init": NOW, "signal_id": "BTCUSDT:momentum_v1:1", "symbol": "BTCUSDT",
        "side": "BUY", "strategy": "momentum_v1", "strength": "0.5", "price": "64000", "volatility": "0.0001",
        "trade_id": 1, "stream_id": "1-0",
    }  # fmt: skip
    return json.dumps({**fields, **changes}).encode()


def order(**changes: Any) -> bytes:
    fields = {
        "v": 1, "ts_event": NOW, "ts_init": NOW, "order_id": "order:forged", "cause": "signal", "symbol": "BTCUSDT",
        "side": "BUY", "quantity": "1", "reference_price": "64000", "volatility": "0.0001",
    }  # fmt: skip
    return json.dumps({**fields, **changes}).encode()


def fill(**changes: Any) -> bytes:
    fields = {
        "v": 1, "ts_event": NOW, "ts_init": NOW, "fill_id": "fill:forged", "order_id": "forged", "symbol": "BTCUSDT",
        "side": "BUY", "quantity": "1", "price": "64000", "fee": "1", "slippage_bps": "1", "realised_pnl": None,
    }  # fmt: skip
    return json.dumps({**fields, **changes}).encode()
