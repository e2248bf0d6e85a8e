"""Metrics: the contract, with a live value and a chart of each."""

from flask import Flask, render_template

from console.ground import Ground


def add(app: Flask, _ground: Ground) -> None:
    """Answer /metrics-reference; /metrics is what Prometheus would expect there."""

    @app.get("/metrics-reference")
    def metrics() -> str:
        return render_template("metrics.html", refresh=5)
