"""Dashboards: every dashboard of monitoring/, drawn from its JSON, under Grafana's addresses."""

from importlib.metadata import version

from flask import Flask, Response, abort, jsonify, render_template
from werkzeug.wrappers import Response as WerkzeugResponse

from console.dashboards.shown import Boards
from console.ground import Ground


def add(app: Flask, ground: Ground) -> None:
    """Answer /dashboards, /d/UID, and Grafana's /api/health."""
    boards = Boards(app, ground)

    @app.get("/dashboards")
    def dashboards() -> str:
        return render_template("dashboards.html", boards=ground.dashboards.values())

    @app.get("/d/<uid>")
    @app.get("/d/<uid>/<slug>")
    def dashboard(uid: str, slug: str = "") -> WerkzeugResponse:
        del slug  # Grafana's addresses end in the title; the uid tells all
        if uid not in ground.dashboards:
            abort(404, f"there is no dashboard {uid!r:.80}; there are {', '.join(ground.dashboards)}")
        board = ground.dashboards[uid]
        others = ground.dashboards.values()
        return boards.page("dashboard.html", board, f"/d/{uid}", choices=boards.choices(board), boards=others)

    @app.get("/api/health")
    def grafana_health() -> Response:
        """What Grafana answers here; its commit is NA where it is not built from one."""
        ground.notifications.count()
        return jsonify({"commit": "NA", "database": "ok", "version": version("claire-de-binare")})
