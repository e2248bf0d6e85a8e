"""Decisions: what each was based on, and what became of it."""

from flask import Flask, render_template

from console.ground import Ground


def add(app: Flask, _ground: Ground) -> None:
    """Answer /decisions."""

    @app.get("/decisions")
    def decisions() -> str:
        return render_template("decisions.html", refresh=5)
