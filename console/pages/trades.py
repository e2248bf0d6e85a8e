"""Trades and performance: what was earned and risked."""

from flask import Flask, render_template

from console.ground import Ground


def add(app: Flask, _ground: Ground) -> None:
    """Answer /trades."""

    @app.get("/trades")
    def trades() -> str:
        return render_template("trades.html", refresh=5)
