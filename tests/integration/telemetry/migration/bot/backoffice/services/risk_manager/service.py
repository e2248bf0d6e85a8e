"""The risk manager, measured as section 4.3 of the handbook says: signals and the portfolio in, decisions out."""

import os
import sys

sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../")))

from flask import Flask, Response, request
from services_common import metrics

CONFIG = {"MAX_POSITION_PCT": 0.10, "MAX_DRAWDOWN_PCT": 5.0}
risk_state = {"daily_drawdown_pct": 0.0}

app = Flask(__name__)


@app.route("/metrics")
def prometheus_metrics():
    return Response(metrics.get_metrics(), mimetype="text/plain")


@app.route("/health")
def health():
    is_healthy = check_health()
    metrics.set_health_status("cdb_risk", is_healthy)
    return {"status": "ok" if is_healthy else "error"}


@app.route("/signals", methods=["POST"])
def signals():
    return validate_signal(request.get_json(), risk_state, CONFIG)


@app.route("/portfolio", methods=["POST"])
def portfolio():
    update_risk_state(request.get_json())
    return risk_state


def check_health():
    return risk_state["daily_drawdown_pct"] < 100.0


def validate_signal(signal, risk_state, config):
    with metrics.measure_risk_decision():
        approved = True
        reason_code = "OK"
        size = signal["size"]
        if risk_state["daily_drawdown_pct"] > config["MAX_DRAWDOWN_PCT"]:
            approved, reason_code = False, "DRAWDOWN_LIMIT"
        elif not check_position_limit(signal["symbol"], size, config):
            approved, reason_code = False, "POSITION_SIZE_EXCEEDED"

        metrics.record_risk_decision(
            symbol=signal["symbol"],
            approved=approved,
            reason_code=reason_code if not approved else None,
            size=size if approved else None,
        )

        return {"approved": approved, "size": size, "reason": reason_code}


def update_risk_state(portfolio_state):
    daily_drawdown_pct = 100.0 * (1 - portfolio_state["equity"] / portfolio_state["opening_equity"])
    risk_state["daily_drawdown_pct"] = daily_drawdown_pct
    metrics.update_drawdown(daily_drawdown_pct)

    position_exposures = {
        symbol: 100.0 * notional / portfolio_state["equity"]
        for symbol, notional in portfolio_state["notionals"].items()
    }
    total_exposure_pct = sum(position_exposures.values())
    metrics.update_exposure(total_exposure_pct, position_exposures)

    if daily_drawdown_pct > 5.0:
        metrics.set_circuit_breaker(True)


def check_position_limit(symbol, size, config):
    max_size = config["MAX_POSITION_PCT"]
    if size > max_size:
        metrics.record_violation("POSITION_SIZE_EXCEEDED", layer=5)
        return False
    return True


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8002")))
