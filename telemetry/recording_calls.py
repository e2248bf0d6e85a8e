"""The recording calls of the handbook (section 4), in addition to the instruments."""

from __future__ import annotations

from collections.abc import Mapping

from telemetry.families import set_all
from telemetry.handles import Number, Timer
from telemetry.instruments import Instruments


class Metrics(Instruments):
    """Record what the service does. Percent metrics are percent already: 5.0 is five percent."""

    def record_signal(self, symbol: str, direction: str, strategy: str, strength: Number) -> None:
        """Count a generated signal; *strength* is 0 to 1."""
        self.signals_generated.labels(symbol=symbol, direction=direction, strategy=strategy).inc()
        self.signal_strength.labels(symbol=symbol, strategy=strategy).observe(strength)

    def record_risk_decision(
        self, symbol: str, approved: bool, reason_code: str | None = None, size: Number | None = None
    ) -> None:
        """Count a signal as evaluated, and as approved (*size* is in the base asset) or rejected (*reason_code*)."""
        self.signals_evaluated.labels(symbol=symbol).inc()
        if not approved:
            self.orders_rejected.labels(symbol=symbol, reason_code=reason_code or "unknown").inc()
            return
        self.orders_approved.labels(symbol=symbol).inc()
        if size is not None:
            self.approved_order_size.labels(symbol=symbol).observe(size)

    def record_violation(self, violation_type: str, layer: int) -> None:
        """Count a violated limit; each belongs to one layer, 1 to 6."""
        self.risk_violations.labels(violation_type=violation_type, layer=layer).inc()

    def record_trade(self, symbol: str, side: str, pnl: Number | None = None, slippage: Number | None = None) -> None:
        """Count a trade; *pnl* (USD, losses negative) is a closing trade's, *slippage* is in basis points."""
        self.trades_executed.labels(symbol=symbol, side=side).inc()
        if pnl is not None:
            self.trade_pnl_usd.labels(symbol=symbol).observe(pnl)
        if slippage is not None:
            self.slippage_bps.labels(symbol=symbol).observe(slippage)

    def update_drawdown(self, drawdown_pct: Number) -> None:
        """Set the loss since the start of the day, in percent."""
        self.daily_drawdown_pct.set(drawdown_pct)

    def update_exposure(self, total_pct: Number, positions_pct: Mapping[str, Number] | None = None) -> None:
        """Set exposure in percent of equity, in total and by symbol. A symbol that is not listed becomes 0."""
        self.total_exposure_pct.set(total_pct)
        if positions_pct is not None:
            set_all(self.position_exposure_pct, positions_pct)

    def update_pnl(self, total_usd: Number) -> None:
        """Set the realised profit or loss since the account was opened."""
        self.cumulative_pnl_usd.set(total_usd)

    def update_positions(self, sizes: Mapping[str, Number]) -> None:
        """Set open positions in units of the base asset. A symbol that is not listed becomes 0."""
        set_all(self.open_positions, {symbol: 1 if size else 0 for symbol, size in sizes.items()})
        set_all(self.position_size, sizes)

    def set_circuit_breaker(self, active: bool) -> None:
        """Set whether the circuit breaker stops trading."""
        self.circuit_breaker_active.set(1 if active else 0)

    def set_health_status(self, service: str, healthy: bool) -> None:
        """Set whether *service* can do its work."""
        self.health_status.labels(service=service).set(1 if healthy else 0)

    def measure_signal_processing(self, strategy: str) -> Timer:
        """Time the block that turns one market data event into a signal or none."""
        return self.signal_processing_duration_seconds.labels(strategy=strategy).time()

    def measure_risk_decision(self) -> Timer:
        """Time the block that decides on one signal."""
        return self.risk_decision_duration_seconds.time()

    def measure_order_execution(self, exchange: str) -> Timer:
        """Time the block from an order's arrival to its final state."""
        return self.order_execution_duration_seconds.labels(exchange=exchange).time()
