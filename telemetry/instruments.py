"""Typed instruments, one for each metric.

Generated from contract.yaml by `python -m telemetry.generate`; do not edit.
"""

from typing import TYPE_CHECKING

from telemetry.families import MISSING, H, Labelled, LabelValue
from telemetry.recorder import Recorder


class BySymbolDirectionStrategy(Labelled[H]):
    """A metric by symbol, direction, strategy."""

    label_names = ("symbol", "direction", "strategy")

    if TYPE_CHECKING:

        def labels(self, *, symbol: LabelValue, direction: LabelValue, strategy: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, symbol=MISSING, direction=MISSING, strategy=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[symbol, direction, strategy]
            except KeyError:
                return self._bind(symbol, direction, strategy)


class BySymbolStrategy(Labelled[H]):
    """A metric by symbol, strategy."""

    label_names = ("symbol", "strategy")

    if TYPE_CHECKING:

        def labels(self, *, symbol: LabelValue, strategy: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, symbol=MISSING, strategy=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[symbol, strategy]
            except KeyError:
                return self._bind(symbol, strategy)


class BySymbolSource(Labelled[H]):
    """A metric by symbol, source."""

    label_names = ("symbol", "source")

    if TYPE_CHECKING:

        def labels(self, *, symbol: LabelValue, source: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, symbol=MISSING, source=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[symbol, source]
            except KeyError:
                return self._bind(symbol, source)


class ByIndicatorTypeSymbol(Labelled[H]):
    """A metric by indicator type, symbol."""

    label_names = ("indicator_type", "symbol")

    if TYPE_CHECKING:

        def labels(self, *, indicator_type: LabelValue, symbol: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, indicator_type=MISSING, symbol=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[indicator_type, symbol]
            except KeyError:
                return self._bind(indicator_type, symbol)


class ByStrategy(Labelled[H]):
    """A metric by strategy."""

    label_names = ("strategy",)

    if TYPE_CHECKING:

        def labels(self, *, strategy: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, strategy=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(strategy,)]
            except KeyError:
                return self._bind(strategy)


class ByErrorType(Labelled[H]):
    """A metric by error type."""

    label_names = ("error_type",)

    if TYPE_CHECKING:

        def labels(self, *, error_type: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, error_type=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(error_type,)]
            except KeyError:
                return self._bind(error_type)


class ByTopic(Labelled[H]):
    """A metric by topic."""

    label_names = ("topic",)

    if TYPE_CHECKING:

        def labels(self, *, topic: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, topic=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(topic,)]
            except KeyError:
                return self._bind(topic)


class BySymbol(Labelled[H]):
    """A metric by symbol."""

    label_names = ("symbol",)

    if TYPE_CHECKING:

        def labels(self, *, symbol: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, symbol=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(symbol,)]
            except KeyError:
                return self._bind(symbol)


class BySymbolReasonCode(Labelled[H]):
    """A metric by symbol, reason code."""

    label_names = ("symbol", "reason_code")

    if TYPE_CHECKING:

        def labels(self, *, symbol: LabelValue, reason_code: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, symbol=MISSING, reason_code=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[symbol, reason_code]
            except KeyError:
                return self._bind(symbol, reason_code)


class ByViolationTypeLayer(Labelled[H]):
    """A metric by violation type, layer."""

    label_names = ("violation_type", "layer")

    if TYPE_CHECKING:

        def labels(self, *, violation_type: LabelValue, layer: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, violation_type=MISSING, layer=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[violation_type, layer]
            except KeyError:
                return self._bind(violation_type, layer)


class BySource(Labelled[H]):
    """A metric by source."""

    label_names = ("source",)

    if TYPE_CHECKING:

        def labels(self, *, source: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, source=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(source,)]
            except KeyError:
                return self._bind(source)


class ByLayerResult(Labelled[H]):
    """A metric by layer, result."""

    label_names = ("layer", "result")

    if TYPE_CHECKING:

        def labels(self, *, layer: LabelValue, result: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, layer=MISSING, result=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[layer, result]
            except KeyError:
                return self._bind(layer, result)


class BySymbolSide(Labelled[H]):
    """A metric by symbol, side."""

    label_names = ("symbol", "side")

    if TYPE_CHECKING:

        def labels(self, *, symbol: LabelValue, side: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, symbol=MISSING, side=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[symbol, side]
            except KeyError:
                return self._bind(symbol, side)


class ByExchange(Labelled[H]):
    """A metric by exchange."""

    label_names = ("exchange",)

    if TYPE_CHECKING:

        def labels(self, *, exchange: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, exchange=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(exchange,)]
            except KeyError:
                return self._bind(exchange)


class ByEndpointStatusCode(Labelled[H]):
    """A metric by endpoint, status code."""

    label_names = ("endpoint", "status_code")

    if TYPE_CHECKING:

        def labels(self, *, endpoint: LabelValue, status_code: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, endpoint=MISSING, status_code=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[endpoint, status_code]
            except KeyError:
                return self._bind(endpoint, status_code)


class ByServiceEventType(Labelled[H]):
    """A metric by service, event type."""

    label_names = ("service", "event_type")

    if TYPE_CHECKING:

        def labels(self, *, service: LabelValue, event_type: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, service=MISSING, event_type=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[service, event_type]
            except KeyError:
                return self._bind(service, event_type)


class ByService(Labelled[H]):
    """A metric by service."""

    label_names = ("service",)

    if TYPE_CHECKING:

        def labels(self, *, service: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, service=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(service,)]
            except KeyError:
                return self._bind(service)


class ByLimit(Labelled[H]):
    """A metric by limit."""

    label_names = ("limit",)

    if TYPE_CHECKING:

        def labels(self, *, limit: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, limit=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(limit,)]
            except KeyError:
                return self._bind(limit)


class ByReason(Labelled[H]):
    """A metric by reason."""

    label_names = ("reason",)

    if TYPE_CHECKING:

        def labels(self, *, reason: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, reason=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(reason,)]
            except KeyError:
                return self._bind(reason)


class ByStreamReason(Labelled[H]):
    """A metric by stream, reason."""

    label_names = ("stream", "reason")

    if TYPE_CHECKING:

        def labels(self, *, stream: LabelValue, reason: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, stream=MISSING, reason=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[stream, reason]
            except KeyError:
                return self._bind(stream, reason)


class ByStream(Labelled[H]):
    """A metric by stream."""

    label_names = ("stream",)

    if TYPE_CHECKING:

        def labels(self, *, stream: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, stream=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(stream,)]
            except KeyError:
                return self._bind(stream)


class ByMetric(Labelled[H]):
    """A metric by metric."""

    label_names = ("metric",)

    if TYPE_CHECKING:

        def labels(self, *, metric: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, metric=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(metric,)]
            except KeyError:
                return self._bind(metric)


class BySignal(Labelled[H]):
    """A metric by signal."""

    label_names = ("signal",)

    if TYPE_CHECKING:

        def labels(self, *, signal: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, signal=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[(signal,)]
            except KeyError:
                return self._bind(signal)


class BySourceResult(Labelled[H]):
    """A metric by source, result."""

    label_names = ("source", "result")

    if TYPE_CHECKING:

        def labels(self, *, source: LabelValue, result: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, source=MISSING, result=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[source, result]
            except KeyError:
                return self._bind(source, result)


class BySourceReason(Labelled[H]):
    """A metric by source, reason."""

    label_names = ("source", "reason")

    if TYPE_CHECKING:

        def labels(self, *, source: LabelValue, reason: LabelValue) -> H:
            """Handle of this label set. Raises LabelError if a label is wrong or missing."""

    else:

        def labels(self, *, source=MISSING, reason=MISSING, **wrong):
            if wrong:
                raise self._refuse(wrong)
            try:
                return self._bound[source, reason]
            except KeyError:
                return self._bind(source, reason)


class Instruments:
    """All metrics of the contract, by name."""

    def __init__(self, recorder: Recorder) -> None:
        self.signals_generated = BySymbolDirectionStrategy(recorder.counter("cdb_signals_generated_total"))
        self.signal_strength = BySymbolStrategy(recorder.histogram("cdb_signal_strength"))
        self.market_data_events_received = BySymbolSource(recorder.counter("cdb_market_data_events_received_total"))
        self.indicators_calculated = ByIndicatorTypeSymbol(recorder.counter("cdb_indicators_calculated_total"))
        self.signal_processing_duration_seconds = ByStrategy(
            recorder.histogram("cdb_signal_processing_duration_seconds")
        )
        self.signal_errors = ByErrorType(recorder.counter("cdb_signal_errors_total"))
        self.redis_publish_duration_seconds = ByTopic(recorder.histogram("cdb_redis_publish_duration_seconds"))
        self.signals_evaluated = BySymbol(recorder.counter("cdb_signals_evaluated_total"))
        self.orders_approved = BySymbol(recorder.counter("cdb_orders_approved_total"))
        self.orders_rejected = BySymbolReasonCode(recorder.counter("cdb_orders_rejected_total"))
        self.approved_order_size = BySymbol(recorder.histogram("cdb_approved_order_size"))
        self.daily_drawdown_pct = recorder.gauge("cdb_daily_drawdown_pct").only()
        self.total_exposure_pct = recorder.gauge("cdb_total_exposure_pct").only()
        self.position_exposure_pct = BySymbol(recorder.gauge("cdb_position_exposure_pct"))
        self.risk_violations = ByViolationTypeLayer(recorder.counter("cdb_risk_violations_total"))
        self.circuit_breaker_active = recorder.gauge("cdb_circuit_breaker_active").only()
        self.stop_loss_triggered = BySymbol(recorder.counter("cdb_stop_loss_triggered_total"))
        self.data_staleness_seconds = BySource(recorder.gauge("cdb_data_staleness_seconds"))
        self.risk_layer_checks = ByLayerResult(recorder.counter("cdb_risk_layer_checks_total"))
        self.risk_decision_duration_seconds = recorder.histogram("cdb_risk_decision_duration_seconds").only()
        self.risk_state_update_duration_seconds = recorder.histogram("cdb_risk_state_update_duration_seconds").only()
        self.orders_received = BySymbol(recorder.counter("cdb_orders_received_total"))
        self.trades_executed = BySymbolSide(recorder.counter("cdb_trades_executed_total"))
        self.trade_pnl_usd = BySymbol(recorder.histogram("cdb_trade_pnl_usd"))
        self.cumulative_pnl_usd = recorder.gauge("cdb_cumulative_pnl_usd").only()
        self.open_positions = BySymbol(recorder.gauge("cdb_open_positions"))
        self.position_size = BySymbol(recorder.gauge("cdb_position_size"))
        self.order_execution_duration_seconds = ByExchange(recorder.histogram("cdb_order_execution_duration_seconds"))
        self.execution_errors = ByErrorType(recorder.counter("cdb_execution_errors_total"))
        self.slippage_bps = BySymbol(recorder.histogram("cdb_slippage_bps"))
        self.market_data_received = BySymbolSource(recorder.counter("cdb_market_data_received_total"))
        self.websocket_connections_active = recorder.gauge("cdb_websocket_connections_active").only()
        self.rest_requests = ByEndpointStatusCode(recorder.counter("cdb_rest_requests_total"))
        self.data_ingestion_latency_seconds = BySource(recorder.histogram("cdb_data_ingestion_latency_seconds"))
        self.websocket_reconnects = recorder.counter("cdb_websocket_reconnects_total").only()
        self.event_processing_duration_seconds = ByServiceEventType(
            recorder.histogram("cdb_event_processing_duration_seconds")
        )
        self.health_status = ByService(recorder.gauge("cdb_health_status"))
        self.risk_limit_pct = ByLimit(recorder.gauge("cdb_risk_limit_pct"))
        self.position_price_stale = BySymbol(recorder.gauge("cdb_position_price_stale"))
        self.market_data_refused = ByReason(recorder.counter("cdb_market_data_refused_total"))
        self.market_data_dropped = recorder.counter("cdb_market_data_dropped_total").only()
        self.market_data_trimmed = recorder.counter("cdb_market_data_trimmed_total").only()
        self.dead_letters = ByStreamReason(recorder.counter("cdb_dead_letters_total"))
        self.messages_redelivered = ByStream(recorder.counter("cdb_messages_redelivered_total"))
        self.messages_recovered = ByStream(recorder.counter("cdb_messages_recovered_total"))
        self.bus_reconnects = recorder.counter("cdb_bus_reconnects_total").only()
        self.clock_offset_seconds = recorder.gauge("cdb_clock_offset_seconds").only()
        self.clock_jumps = recorder.counter("cdb_clock_jumps_total").only()
        self.messages_early = ByStream(recorder.counter("cdb_messages_early_total"))
        self.telemetry_label_overflow = ByMetric(recorder.counter("cdb_telemetry_label_overflow_total"))
        self.telemetry_values_refused = ByMetric(recorder.counter("cdb_telemetry_values_refused_total"))
        self.telemetry_export_failures = BySignal(recorder.counter("cdb_telemetry_export_failures_total"))
        self.telemetry_spans_lost = ByReason(recorder.counter("cdb_telemetry_spans_lost_total"))
        self.trade_to_order_duration_seconds = recorder.histogram("cdb_trade_to_order_duration_seconds").only()
        self.equity_usd = recorder.gauge("cdb_equity_usd").only()
        self.max_drawdown_pct = recorder.gauge("cdb_max_drawdown_pct").only()
        self.sharpe_ratio_30d = recorder.gauge("cdb_sharpe_ratio_30d").only()
        self.value_at_risk_pct = recorder.gauge("cdb_value_at_risk_pct").only()
        self.expected_shortfall_pct = recorder.gauge("cdb_expected_shortfall_pct").only()
        self.strategy_win_rate_pct = ByStrategy(recorder.gauge("cdb_strategy_win_rate_pct"))
        self.strategy_recent_win_rate_pct = ByStrategy(recorder.gauge("cdb_strategy_recent_win_rate_pct"))
        self.strategy_profit_factor = ByStrategy(recorder.gauge("cdb_strategy_profit_factor"))
        self.strategy_pnl_usd = ByStrategy(recorder.gauge("cdb_strategy_pnl_usd"))
        self.symbol_pnl_usd = BySymbol(recorder.gauge("cdb_symbol_pnl_usd"))
        self.fees_paid_usd = recorder.counter("cdb_fees_paid_usd_total").only()
        self.position_duration_seconds = ByStrategy(recorder.histogram("cdb_position_duration_seconds"))
        self.market_volatility_pct = BySymbol(recorder.gauge("cdb_market_volatility_pct"))
        self.market_volume_usd = BySymbol(recorder.counter("cdb_market_volume_usd_total"))
        self.feed_gap_trades_filled = BySource(recorder.counter("cdb_feed_gap_trades_filled_total"))
        self.feed_gap_seconds = BySourceResult(recorder.counter("cdb_feed_gap_seconds_total"))
        self.feed_duplicates_dropped = BySource(recorder.counter("cdb_feed_duplicates_dropped_total"))
        self.feed_frames_unreadable = BySourceReason(recorder.counter("cdb_feed_frames_unreadable_total"))
        self.exchange_clock_skew_seconds = BySource(recorder.gauge("cdb_exchange_clock_skew_seconds"))
        self.exchange_symbol_trading = BySymbol(recorder.gauge("cdb_exchange_symbol_trading"))
