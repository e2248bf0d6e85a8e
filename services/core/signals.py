"""How the opinion of a strategy becomes a signal."""

from services.core.strategies.port import Opinion
from services.messages import MarketData, Signal, signal_id


def signal_from(trade: MarketData, opinion: Opinion, strategy: str, *, stream_id: str, now_ns: int) -> Signal:
    """Make the signal; its id is derived from *trade*, which stands on the bus as *stream_id*."""
    return Signal(
        ts_event=trade.ts_event,
        ts_init=now_ns,
        signal_id=signal_id(trade.symbol, strategy, trade.trade_id),
        symbol=trade.symbol,
        side=opinion.side,
        strategy=strategy,
        strength=opinion.strength,
        price=trade.price,
        volatility=opinion.volatility,
        trade_id=trade.trade_id,
        stream_id=stream_id,
    )
