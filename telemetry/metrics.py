"""This process's metrics, as the handbook calls them: `from telemetry import metrics`.

Generated from contract.yaml by `python -m telemetry.generate`; do not edit.
"""

from telemetry.setup import CONTENT_TYPE, METRICS, get_metrics

__all__ = [
    "CONTENT_TYPE",
    "METRICS",
    "approved_order_size",
    "bus_reconnects",
    "circuit_breaker_active",
    "clock_jumps",
    "clock_offset_seconds",
    "cumulative_pnl_usd",
    "daily_drawdown_pct",
    "data_ingestion_latency_seconds",
    "data_staleness_seconds",
    "dead_letters",
    "equity_usd",
    "event_processing_duration_seconds",
    "exchange_clock_skew_seconds",
    "exchange_symbol_trading",
    "execution_errors",
    "expected_shortfall_pct",
    "feed_duplicates_dropped",
    "feed_frames_unreadable",
    "feed_gap_seconds",
    "feed_gap_trades_filled",
    "fees_paid_usd",
    "get_metrics",
    "health_status",
    "indicators_calculated",
    "market_data_dropped",
    "market_data_events_received",
    "market_data_received",
    "market_data_refused",
    "market_data_trimmed",
    "market_volatility_pct",
    "market_volume_usd",
    "max_drawdown_pct",
    "measure_order_execution",
    "measure_risk_decision",
    "measure_signal_processing",
    "messages_early",
    "messages_recovered",
    "messages_redelivered",
    "open_positions",
    "order_execution_duration_seconds",
    "orders_approved",
    "orders_received",
    "orders_rejected",
    "position_duration_seconds",
    "position_exposure_pct",
    "position_price_stale",
    "position_size",
    "record_risk_decision",
    "record_signal",
    "record_trade",
    "record_violation",
    "redis_publish_duration_seconds",
    "rest_requests",
    "risk_decision_duration_seconds",
    "risk_layer_checks",
    "risk_limit_pct",
    "risk_state_update_duration_seconds",
    "risk_violations",
    "set_circuit_breaker",
    "set_health_status",
    "sharpe_ratio_30d",
    "signal_errors",
    "signal_processing_duration_seconds",
    "signal_strength",
    "signals_evaluated",
    "signals_generated",
    "slippage_bps",
    "stop_loss_triggered",
    "strategy_pnl_usd",
    "strategy_profit_factor",
    "strategy_recent_win_rate_pct",
    "strategy_win_rate_pct",
    "symbol_pnl_usd",
    "telemetry_export_failures",
    "telemetry_label_overflow",
    "telemetry_spans_lost",
    "telemetry_values_refused",
    "total_exposure_pct",
    "trade_pnl_usd",
    "trade_to_order_duration_seconds",
    "trades_executed",
    "update_drawdown",
    "update_exposure",
    "update_pnl",
    "update_positions",
    "value_at_risk_pct",
    "websocket_connections_active",
    "websocket_reconnects",
]

approved_order_size = METRICS.approved_order_size
bus_reconnects = METRICS.bus_reconnects
circuit_breaker_active = METRICS.circuit_breaker_active
clock_jumps = METRICS.clock_jumps
clock_offset_seconds = METRICS.clock_offset_seconds
cumulative_pnl_usd = METRICS.cumulative_pnl_usd
daily_drawdown_pct = METRICS.daily_drawdown_pct
data_ingestion_latency_seconds = METRICS.data_ingestion_latency_seconds
data_staleness_seconds = METRICS.data_staleness_seconds
dead_letters = METRICS.dead_letters
equity_usd = METRICS.equity_usd
event_processing_duration_seconds = METRICS.event_processing_duration_seconds
exchange_clock_skew_seconds = METRICS.exchange_clock_skew_seconds
exchange_symbol_trading = METRICS.exchange_symbol_trading
execution_errors = METRICS.execution_errors
expected_shortfall_pct = METRICS.expected_shortfall_pct
feed_duplicates_dropped = METRICS.feed_duplicates_dropped
feed_frames_unreadable = METRICS.feed_frames_unreadable
feed_gap_seconds = METRICS.feed_gap_seconds
feed_gap_trades_filled = METRICS.feed_gap_trades_filled
fees_paid_usd = METRICS.fees_paid_usd
health_status = METRICS.health_status
indicators_calculated = METRICS.indicators_calculated
market_data_dropped = METRICS.market_data_dropped
market_data_events_received = METRICS.market_data_events_received
market_data_received = METRICS.market_data_received
market_data_refused = METRICS.market_data_refused
market_data_trimmed = METRICS.market_data_trimmed
market_volatility_pct = METRICS.market_volatility_pct
market_volume_usd = METRICS.market_volume_usd
max_drawdown_pct = METRICS.max_drawdown_pct
measure_order_execution = METRICS.measure_order_execution
measure_risk_decision = METRICS.measure_risk_decision
measure_signal_processing = METRICS.measure_signal_processing
messages_early = METRICS.messages_early
messages_recovered = METRICS.messages_recovered
messages_redelivered = METRICS.messages_redelivered
open_positions = METRICS.open_positions
order_execution_duration_seconds = METRICS.order_execution_duration_seconds
orders_approved = METRICS.orders_approved
orders_received = METRICS.orders_received
orders_rejected = METRICS.orders_rejected
position_duration_seconds = METRICS.position_duration_seconds
position_exposure_pct = METRICS.position_exposure_pct
position_price_stale = METRICS.position_price_stale
position_size = METRICS.position_size
record_risk_decision = METRICS.record_risk_decision
record_signal = METRICS.record_signal
record_trade = METRICS.record_trade
record_violation = METRICS.record_violation
redis_publish_duration_seconds = METRICS.redis_publish_duration_seconds
rest_requests = METRICS.rest_requests
risk_decision_duration_seconds = METRICS.risk_decision_duration_seconds
risk_layer_checks = METRICS.risk_layer_checks
risk_limit_pct = METRICS.risk_limit_pct
risk_state_update_duration_seconds = METRICS.risk_state_update_duration_seconds
risk_violations = METRICS.risk_violations
set_circuit_breaker = METRICS.set_circuit_breaker
set_health_status = METRICS.set_health_status
sharpe_ratio_30d = METRICS.sharpe_ratio_30d
signal_errors = METRICS.signal_errors
signal_processing_duration_seconds = METRICS.signal_processing_duration_seconds
signal_strength = METRICS.signal_strength
signals_evaluated = METRICS.signals_evaluated
signals_generated = METRICS.signals_generated
slippage_bps = METRICS.slippage_bps
stop_loss_triggered = METRICS.stop_loss_triggered
strategy_pnl_usd = METRICS.strategy_pnl_usd
strategy_profit_factor = METRICS.strategy_profit_factor
strategy_recent_win_rate_pct = METRICS.strategy_recent_win_rate_pct
strategy_win_rate_pct = METRICS.strategy_win_rate_pct
symbol_pnl_usd = METRICS.symbol_pnl_usd
telemetry_export_failures = METRICS.telemetry_export_failures
telemetry_label_overflow = METRICS.telemetry_label_overflow
telemetry_spans_lost = METRICS.telemetry_spans_lost
telemetry_values_refused = METRICS.telemetry_values_refused
total_exposure_pct = METRICS.total_exposure_pct
trade_pnl_usd = METRICS.trade_pnl_usd
trade_to_order_duration_seconds = METRICS.trade_to_order_duration_seconds
trades_executed = METRICS.trades_executed
update_drawdown = METRICS.update_drawdown
update_exposure = METRICS.update_exposure
update_pnl = METRICS.update_pnl
update_positions = METRICS.update_positions
value_at_risk_pct = METRICS.value_at_risk_pct
websocket_connections_active = METRICS.websocket_connections_active
websocket_reconnects = METRICS.websocket_reconnects
