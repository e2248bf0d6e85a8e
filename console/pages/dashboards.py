"""Dashboards: every dashboard of monitoring/, drawn from its JSON."""

from flask import Flask, render_template

from console.ground import Ground


def add(app: Flask, _ground: Ground) -> None:
    """Answer /dashboards."""

    @app.get("/dashboards")
    def dashboards() -> str:
        return render_template("dashboards.html", refresh=5)
