"""Traces: slow, failed and rejected decisions, and where their time went."""

from flask import Flask, render_template

from console.ground import Ground


def add(app: Flask, _ground: Ground) -> None:
    """Answer /traces."""

    @app.get("/traces")
    def traces() -> str:
        return render_template("traces.html", refresh=5)
