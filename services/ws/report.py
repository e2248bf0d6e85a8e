"""What cdb_ws measures and logs."""

from collections import Counter
from collections.abc import Collection, Sequence

import structlog

from services import topology
from services.clock import NANOSECONDS
from services.messages import MarketData
from services.ws.trades import Refusal
from telemetry import metrics
from telemetry.setup import admit_symbols

log = structlog.get_logger()


def trades_read(messages: Sequence[MarketData], source: str) -> None:
    """The source gave acceptable trades."""
    for symbol, count in Counter(message.symbol for message in messages).items():
        metrics.market_data_received.labels(symbol=symbol, source=source).inc(count)


def symbols_added(symbols: Collection[str], source: str) -> None:
    """The source is asked for symbols that are held, though CDB_SYMBOLS no longer has them."""
    admit_symbols(symbols)
    log.warning("held, though not in CDB_SYMBOLS: prices go on", symbols=sorted(symbols), source=source)


def trades_published(timely: Sequence[MarketData], source: str, *, now_ns: int, took_s: float) -> None:
    """One round trip has put messages on the bus; of *timely* ones the age tells how long they were on their way."""
    latency = metrics.data_ingestion_latency_seconds.labels(source=source)
    for message in timely:
        latency.observe((now_ns - message.ts_event) / NANOSECONDS)
    metrics.redis_publish_duration_seconds.labels(topic=topology.MARKET_DATA).observe(took_s)
    metrics.event_processing_duration_seconds.labels(service=topology.WS.name, event_type="market_data").observe(took_s)


def trades_dropped(count: int) -> None:
    """Trades are lost because the market does not wait for the bus."""
    metrics.market_data_dropped.inc(count)


def trade_refused(refusal: Refusal, *, in_log: bool) -> None:
    """The source gave something that is no acceptable trade."""
    metrics.market_data_refused.labels(reason=refusal.reason).inc()
    if in_log:
        log.warning("trade refused", where=refusal.origin, reason=refusal.reason, detail=refusal.detail)


def source_waits(source: str, why: str) -> None:
    """The source has nothing now; told once for each reason."""
    log.warning("waiting for the source", source=source, error=why)


def source_gave_up(source: str, why: str) -> None:
    """There will be no more trades."""
    log.error("the source gave up", source=source, error=why)
