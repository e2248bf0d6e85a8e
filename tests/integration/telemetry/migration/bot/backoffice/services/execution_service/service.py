"""The execution service, measured as section 4.4 of the handbook says: orders in, trades and positions out."""

import os
import sys

sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../")))

from flask import Flask, Response, request
from services_common import metrics

positions = {}
executed = []

app = Flask(__name__)


@app.route("/metrics")
def prometheus_metrics():
    return Response(metrics.get_metrics(), mimetype="text/plain")


@app.route("/health")
def health():
    is_healthy = check_health()
    metrics.set_health_status("cdb_execution", is_healthy)
    return {"status": "ok" if is_healthy else "error"}


@app.route("/orders", methods=["POST"])
def orders():
    trade = execute_order(request.get_json())
    executed.append(trade)
    update_portfolio(executed)
    return trade


def check_health():
    return True


def execute_order(order):
    metrics.orders_received.labels(symbol=order["symbol"]).inc()

    with metrics.measure_order_execution("MEXC"):
        bought = order["side"] == "BUY"
        trade = {
            "symbol": order["symbol"],
            "side": order["side"],
            "quantity": order["quantity"],
            "pnl": 0.0 if bought else (order["price"] - order["cost"]) * order["quantity"],
            "slippage": 5.2,
        }
        held = positions.get(trade["symbol"], 0.0)
        positions[trade["symbol"]] = held + (trade["quantity"] if bought else -trade["quantity"])

        metrics.record_trade(
            symbol=trade["symbol"],
            side=trade["side"],
            pnl=trade["pnl"],
            slippage=trade["slippage"],
        )

        return trade


def update_portfolio(trades):
    total_pnl = sum(t["pnl"] for t in trades)
    metrics.update_pnl(total_pnl)

    metrics.update_positions(positions)


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8003")))
