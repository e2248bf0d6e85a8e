"""What a live exchange's connections, gaps, clock and limits show in metrics and logs."""

from collections.abc import Sequence

import structlog

from services.clock import to_datetime
from services.ws.exchange.merging import Gap
from services.ws.exchange.protocol import Deal, Listing, Unreadable
from telemetry import metrics

log = structlog.get_logger()


def connected(symbols: Sequence[str], exchange: str, *, again: bool) -> None:
    """A connection is open."""
    metrics.websocket_connections_active.inc()
    if again:
        metrics.websocket_reconnects.inc()
    log.info("connected", exchange=exchange, symbols=len(symbols), again=again)


def disconnected() -> None:
    """A connection is no longer open."""
    metrics.websocket_connections_active.dec()


def not_connected(exchange: str, why: str, *, again_in_s: float) -> None:
    """A connection was lost, or could not be opened."""
    log.warning("not connected", exchange=exchange, error=why, again_in_s=round(again_in_s, 1))


def turned_over(exchange: str) -> None:
    """A new connection has taken over from one that still worked."""
    log.info("a new connection has taken over", exchange=exchange)


def refused(symbols: Sequence[str], exchange: str, why: str) -> None:
    """The exchange does not give these symbols."""
    log.error("subscription refused", exchange=exchange, symbols=list(symbols), error=why)


def unreadable(error: Unreadable, exchange: str, *, in_log: bool) -> None:
    """A frame says nothing that is understood."""
    metrics.feed_frames_unreadable.labels(source=exchange, reason=error.reason).inc()
    if in_log:
        log.warning("frame not understood", exchange=exchange, reason=error.reason, detail=error.detail)


def silent(symbols: Sequence[str], exchange: str, seconds: float) -> None:
    """Nothing was heard for longer than usual."""
    log.warning("silent for longer than usual", exchange=exchange, symbols=list(symbols), seconds=round(seconds, 1))


def began(symbol: str, exchange: str, trades: int) -> None:
    """REST has told of the time before the start."""
    log.info("began with what REST knows", exchange=exchange, symbol=symbol, trades=trades)


def filled(symbol: str, exchange: str, trades: int, gaps: Sequence[Gap]) -> None:
    """REST has told *trades* that no connection had told, and with them all of *gaps*."""
    metrics.feed_gap_trades_filled.labels(source=exchange).inc(trades)
    metrics.feed_gap_seconds.labels(source=exchange, result="filled").inc(sum(gap.seconds() for gap in gaps))
    if gaps and trades:
        log.info("gap filled", exchange=exchange, symbol=symbol, trades=trades, **_bounds(gaps[0].after, gaps[-1]))
    elif trades:
        log.info("trades told by REST first", exchange=exchange, symbol=symbol, trades=trades)


def not_filled(symbol: str, exchange: str, gap: Gap) -> None:
    """The exchange no longer has what was missed."""
    metrics.feed_gap_seconds.labels(source=exchange, result="not_filled").inc(gap.seconds())
    log.error(
        "gap not filled",
        exchange=exchange,
        symbol=symbol,
        **_bounds(gap.after, gap),
    )


def _bounds(after: Deal | None, last: Gap) -> dict[str, object]:
    """From when to when, by the exchange's clock; None where nothing is known."""
    begins, ends = (to_datetime(deal.time_ns).isoformat() if deal else None for deal in (after, last.before))
    return {"after": begins, "before": ends, "seconds": round(Gap(after, last.before).seconds(), 1)}


def duplicates_dropped(exchange: str, count: int) -> None:
    """Trades were told again."""
    metrics.feed_duplicates_dropped.labels(source=exchange).inc(count)


def rest_answered(endpoint: str, status: str) -> None:
    """A request was answered, or not."""
    metrics.rest_requests.labels(endpoint=endpoint, status_code=status).inc()


def rest_away(exchange: str, why: str) -> None:
    """What REST was asked for must wait."""
    log.warning("REST does not answer", exchange=exchange, error=why)


def listed(symbol: str, exchange: str, listing: Listing, *, changed: bool) -> None:
    """The exchange trades a symbol, or does not."""
    metrics.exchange_symbol_trading.labels(symbol=symbol).set(int(listing.trading))
    if changed and not listing.trading:
        log.error("not traded by the exchange", exchange=exchange, symbol=symbol, status=listing.status)


def clock_measured(exchange: str, skew_s: float) -> None:
    """The exchange's clock is ahead of ours by *skew_s*."""
    metrics.exchange_clock_skew_seconds.labels(source=exchange).set(skew_s)


def clock_corrected(exchange: str, *, before_s: float, now_s: float) -> None:
    """The exchange's times become ours by adding something else than until now."""
    log.warning("clock corrected", exchange=exchange, before_s=round(before_s, 3), correction_s=round(now_s, 3))
