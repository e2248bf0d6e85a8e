"""System: parts, targets, streams, dead letters, and what cdb doctor finds."""

from flask import Flask, render_template

from console.ground import Ground


def add(app: Flask, _ground: Ground) -> None:
    """Answer /system."""

    @app.get("/system")
    def system() -> str:
        return render_template("system.html", refresh=5)
