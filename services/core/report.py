"""What cdb_core measures and logs."""

from collections.abc import Collection

import structlog
from opentelemetry.trace import Span, use_span

from services import topology
from services.core.activity import Activity
from services.core.strategies.port import Strategy
from services.messages import MarketData, Signal
from services.runtime.report import percent
from telemetry import metrics
from telemetry.setup import admit_symbols

log = structlog.get_logger()


def trade_received(trade: MarketData) -> None:
    """A trade arrived whose symbol is traded."""
    metrics.market_data_events_received.labels(symbol=trade.symbol, source=trade.source).inc()


def market(symbol: str, activity: Activity) -> None:
    """Show how much *symbol* moves, once that is known, and count what was traded since the last call."""
    metrics.market_volume_usd.labels(symbol=symbol).inc(activity.take_notional())
    if (volatility := activity.volatility()) is not None:
        metrics.market_volatility_pct.labels(symbol=symbol).show(percent(volatility))


def symbols_added(symbols: Collection[str]) -> None:
    """Symbols are watched that are held, though CDB_SYMBOLS no longer has them."""
    admit_symbols(symbols)
    log.warning("held, though not in CDB_SYMBOLS: sold on a signal, not bought", symbols=sorted(symbols))


def trades_lost(count: int) -> None:
    """The bus dropped *count* trades before they were read."""
    metrics.market_data_trimmed.inc(count)
    log.warning("market data lost on the bus", count=count)


def strategy_updated(strategy: Strategy, symbol: str, took_s: float) -> None:
    """*strategy* has taken in a trade."""
    for indicator in strategy.indicators:
        metrics.indicators_calculated.labels(indicator_type=indicator, symbol=symbol).inc()
    metrics.signal_processing_duration_seconds.labels(strategy=strategy.name).observe(took_s)


def trade_handled(took_s: float) -> None:
    """All strategies have taken in a trade."""
    metrics.event_processing_duration_seconds.labels(service=topology.CORE.name, event_type="market_data").observe(
        took_s
    )


def signal_given(signal: Signal, span: Span) -> None:
    """A signal is on the bus; *span* has not ended, or its exemplar would be lost."""
    with use_span(span, end_on_exit=False):
        metrics.record_signal(signal.symbol, signal.side, signal.strategy, signal.strength)
        log.info("signal", signal=signal.signal_id, side=signal.side, strength=str(signal.strength))


def strategy_failed(strategy: Strategy, failure: Exception) -> None:
    """A strategy raised an error at a trade, which is put aside."""
    error("handler")
    log.error("strategy failed", strategy=strategy.name, exc_info=failure)


def error(error_type: str) -> None:
    """A message could not be handled."""
    metrics.signal_errors.labels(error_type=error_type).inc()
