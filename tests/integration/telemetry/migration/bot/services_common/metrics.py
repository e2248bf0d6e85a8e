"""The shared metrics module of the handbook, on prometheus_client: what bots measured with before they moved."""

from prometheus_client import Counter, Gauge, Histogram, generate_latest

# Signal engine
signals_generated = Counter(
    "cdb_signals_generated_total",
    "Trading signals the signal engine has generated",
    ["symbol", "direction", "strategy"],
)
signal_strength = Histogram(
    "cdb_signal_strength",
    "Strength of generated signals, 0 to 1",
    ["symbol", "strategy"],
    buckets=[0, 0.2, 0.4, 0.6, 0.8, 1],
)
market_data_events_received = Counter(
    "cdb_market_data_events_received_total",
    "Market data events that reached the signal engine",
    ["symbol", "source"],
)
indicators_calculated = Counter(
    "cdb_indicators_calculated_total", "Technical indicators calculated", ["indicator_type", "symbol"]
)
signal_processing_duration_seconds = Histogram(
    "cdb_signal_processing_duration_seconds",
    "Time to turn one market data event into a signal or no signal",
    ["strategy"],
    buckets=[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
)
signal_errors = Counter("cdb_signal_errors_total", "Errors while generating signals", ["error_type"])
redis_publish_duration_seconds = Histogram(
    "cdb_redis_publish_duration_seconds",
    "Time to publish one message on the bus",
    ["topic"],
    buckets=[0.001, 0.005, 0.01, 0.025, 0.05, 0.1],
)

# Risk manager
signals_evaluated = Counter("cdb_signals_evaluated_total", "Signals the risk manager has decided on", ["symbol"])
orders_approved = Counter("cdb_orders_approved_total", "Orders approved by the risk manager", ["symbol"])
orders_rejected = Counter("cdb_orders_rejected_total", "Orders rejected by the risk manager", ["symbol", "reason_code"])
approved_order_size = Histogram(
    "cdb_approved_order_size",
    "Size of approved orders, in units of the base asset",
    ["symbol"],
    buckets=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
)
daily_drawdown_pct = Gauge(
    "cdb_daily_drawdown_pct",
    "Loss since the start of the trading day, in percent of the day's opening equity (5.0 is five percent)",
)
total_exposure_pct = Gauge("cdb_total_exposure_pct", "Notional of all open positions in percent of equity")
position_exposure_pct = Gauge("cdb_position_exposure_pct", "Notional of one position in percent of equity", ["symbol"])
risk_violations = Counter(
    "cdb_risk_violations_total",
    "Risk limits that a signal or the portfolio has violated",
    ["violation_type", "layer"],
)
circuit_breaker_active = Gauge("cdb_circuit_breaker_active", "1 while the circuit breaker stops trading, else 0")
stop_loss_triggered = Counter("cdb_stop_loss_triggered_total", "Positions closed by their stop loss", ["symbol"])
data_staleness_seconds = Gauge("cdb_data_staleness_seconds", "Age of the newest market data", ["source"])
risk_layer_checks = Counter(
    "cdb_risk_layer_checks_total",
    "Checks made by each risk layer, result is passed or failed",
    ["layer", "result"],
)
risk_decision_duration_seconds = Histogram(
    "cdb_risk_decision_duration_seconds",
    "Time to decide on one signal",
    buckets=[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
)
risk_state_update_duration_seconds = Histogram(
    "cdb_risk_state_update_duration_seconds",
    "Time to update the risk state after a portfolio change",
    buckets=[0.001, 0.005, 0.01, 0.025, 0.05, 0.1],
)

# Execution service
orders_received = Counter("cdb_orders_received_total", "Orders that reached the execution service", ["symbol"])
trades_executed = Counter("cdb_trades_executed_total", "Trades executed", ["symbol", "side"])
trade_pnl_usd = Histogram(
    "cdb_trade_pnl_usd",
    "Realised profit or loss of closing trades; losses are negative",
    ["symbol"],
    buckets=[-1000, -500, -100, -50, -10, 0, 10, 50, 100, 500, 1000],
)
cumulative_pnl_usd = Gauge("cdb_cumulative_pnl_usd", "Realised profit and loss since the account was opened")
open_positions = Gauge("cdb_open_positions", "1 while a position in the symbol is open, else 0", ["symbol"])
position_size = Gauge("cdb_position_size", "Size of the open position, in units of the base asset", ["symbol"])
order_execution_duration_seconds = Histogram(
    "cdb_order_execution_duration_seconds",
    "Time from an order's arrival to its final state at the venue",
    ["exchange"],
    buckets=[0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
)
execution_errors = Counter("cdb_execution_errors_total", "Errors while executing orders", ["error_type"])
slippage_bps = Histogram(
    "cdb_slippage_bps",
    "Slippage of fills against the decision price, in basis points",
    ["symbol"],
    buckets=[0, 1, 5, 10, 25, 50, 100, 250, 500],
)

# Screener
market_data_received = Counter(
    "cdb_market_data_received_total", "Market data events received from the exchange", ["symbol", "source"]
)
websocket_connections_active = Gauge("cdb_websocket_connections_active", "Open WebSocket connections to the exchange")
rest_requests = Counter("cdb_rest_requests_total", "REST requests made to the exchange", ["endpoint", "status_code"])
data_ingestion_latency_seconds = Histogram(
    "cdb_data_ingestion_latency_seconds",
    "Time from the exchange's timestamp to the event's arrival on the bus",
    ["source"],
    buckets=[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
)
websocket_reconnects = Counter("cdb_websocket_reconnects_total", "WebSocket reconnections")

# Every service
event_processing_duration_seconds = Histogram(
    "cdb_event_processing_duration_seconds",
    "Time a service takes to process one event",
    ["service", "event_type"],
    buckets=[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
)
health_status = Gauge("cdb_health_status", "1 while the service is healthy, else 0", ["service"])


def get_metrics():
    return generate_latest()


def set_health_status(service, is_healthy):
    health_status.labels(service=service).set(1 if is_healthy else 0)


def record_signal(symbol, direction, strategy, strength):
    signals_generated.labels(symbol=symbol, direction=direction, strategy=strategy).inc()
    signal_strength.labels(symbol=symbol, strategy=strategy).observe(strength)


def measure_signal_processing(strategy):
    return signal_processing_duration_seconds.labels(strategy=strategy).time()


def record_risk_decision(symbol, approved, reason_code=None, size=None):
    signals_evaluated.labels(symbol=symbol).inc()
    if approved:
        orders_approved.labels(symbol=symbol).inc()
        if size is not None:
            approved_order_size.labels(symbol=symbol).observe(size)
    else:
        orders_rejected.labels(symbol=symbol, reason_code=reason_code).inc()


def measure_risk_decision():
    return risk_decision_duration_seconds.time()


def update_drawdown(drawdown_pct):
    daily_drawdown_pct.set(drawdown_pct)


def update_exposure(total_pct, position_exposures=None):
    total_exposure_pct.set(total_pct)
    for symbol, pct in (position_exposures or {}).items():
        position_exposure_pct.labels(symbol=symbol).set(pct)


def set_circuit_breaker(active):
    circuit_breaker_active.set(1 if active else 0)


def record_violation(violation_type, layer):
    risk_violations.labels(violation_type=violation_type, layer=str(layer)).inc()


def measure_order_execution(exchange):
    return order_execution_duration_seconds.labels(exchange=exchange).time()


def record_trade(symbol, side, pnl=None, slippage=None):
    trades_executed.labels(symbol=symbol, side=side).inc()
    if pnl is not None:
        trade_pnl_usd.labels(symbol=symbol).observe(pnl)
    if slippage is not None:
        slippage_bps.labels(symbol=symbol).observe(slippage)


def update_pnl(total_pnl):
    cumulative_pnl_usd.set(total_pnl)


def update_positions(positions):
    for symbol, size in positions.items():
        open_positions.labels(symbol=symbol).set(1 if size else 0)
        position_size.labels(symbol=symbol).set(size)
