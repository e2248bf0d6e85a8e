"""Overview: the account and what needs attention, every figure with its age."""

from flask import Flask, render_template

from console.ground import Ground


def add(app: Flask, _ground: Ground) -> None:
    """Answer /."""

    @app.get("/")
    def overview() -> str:
        return render_template("overview.html", refresh=5)
