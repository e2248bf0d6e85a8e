"""Dashboards: every dashboard of monitoring/, drawn from its JSON, under Grafana's addresses."""

from importlib.metadata import version

from flask import Flask, Response, abort, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as WerkzeugResponse

from cdb.dashboard.model.colours import ON_LIGHT
from cdb.dashboard.model.dashboards import Dashboard
from console.dashboards import address
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
    def dashboard(uid: str, slug: str = "") -> str | WerkzeugResponse:
        del slug  # Grafana's addresses end in the title; the uid tells all
        if uid not in ground.dashboards:
            abort(404, f"there is no dashboard {uid!r:.80}; there are {', '.join(ground.dashboards)}")
        return _dashboard(ground, boards, ground.dashboards[uid])

    @app.get("/api/health")
    def grafana_health() -> Response:
        """What Grafana answers here; its commit is NA where it is not built from one."""
        ground.notifications.count()
        return jsonify({"commit": "NA", "database": "ok", "version": version("claire-de-binare")})


def _dashboard(ground: Ground, boards: Boards, board: Dashboard) -> str | WerkzeugResponse:
    path = f"/d/{board.uid}"
    choices = boards.choices(board)
    view = address.read(request.args, refresh=board.refresh, known=choices)
    if chosen := request.args.get("range"):
        again = view.address(start=f"now-{address.offered(chosen)}", end="now")
        return redirect(f"{path}?{again}")
    known = boards.panels(board, view)
    return render_template(
        "dashboard.html",
        board=board,
        boards=ground.dashboards.values(),
        path=path,
        choices=choices,
        view=view,
        known=known,
        overdue=boards.is_overdue(known, view),
        on_light=ON_LIGHT,
        ranges=address.RANGES,
        refreshes=address.REFRESHES,
        refresh=view.refresh_s or None,
    )
