"""The signal engine, measured as section 4.2 of the handbook says: market data in, a signal or none out."""

import os
import sys

sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../")))

from flask import Flask, Response, request
from services_common import metrics

THRESHOLD = 0.001
last_price = {}

app = Flask(__name__)


@app.route("/metrics")
def prometheus_metrics():
    return Response(metrics.get_metrics(), mimetype="text/plain")


@app.route("/health")
def health():
    is_healthy = check_health()
    metrics.set_health_status("cdb_core", is_healthy)
    return {"status": "ok" if is_healthy else "error"}


@app.route("/market_data", methods=["POST"])
def market_data():
    event = request.get_json()
    on_market_data(event)
    return {"signal": generate_signal(event)}


def check_health():
    return bool(last_price)


def on_market_data(event):
    metrics.market_data_events_received.labels(
        symbol=event["symbol"],
        source="mexc_ws",
    ).inc()


def generate_signal(market_data):
    with metrics.measure_signal_processing("momentum_v1"):
        before = last_price.get(market_data["symbol"], market_data["price"])
        last_price[market_data["symbol"]] = market_data["price"]
        change = market_data["price"] / before - 1
        if abs(change) < THRESHOLD:
            return None
        signal = {
            "symbol": market_data["symbol"],
            "direction": "BUY" if change > 0 else "SELL",
            "strength": min(1.0, abs(change) * 100),
        }

        metrics.record_signal(
            symbol=signal["symbol"],
            direction=signal["direction"],
            strategy="momentum_v1",
            strength=signal["strength"],
        )

        return signal


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8001")))
