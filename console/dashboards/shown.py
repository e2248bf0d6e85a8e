"""What readers see of a dashboard: asked for and written once for all who look at the same."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Flask, Response, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as WerkzeugResponse

from cdb.dashboard.model.ask import Snapshot, ask
from cdb.dashboard.model.colours import ON_LIGHT
from cdb.dashboard.model.dashboards import Dashboard
from cdb.dashboard.model.fields import Answer
from cdb.dashboard.model.traces import trace_points
from cdb.dashboard.model.variables import choices
from console.dashboards import address
from console.dashboards.address import View
from console.dashboards.panels import links_of, panels_of
from console.ground import Ground
from console.knowledge import Knowledge, Known
from services.clock import NANOSECONDS, to_datetime

MOST_STEP_S: Final = 10
"""A page that asks less often is shown figures that are at most this old."""
MOST_VIEWS: Final = 40
"""What is kept: some 300 kB of HTML for each dashboard, time, choice and refresh that somebody looks at."""
WAIT_S: Final = 3.0
SHARE: Final = 2
"""What takes long is asked again after twice that time, at the earliest."""
_CHOICES_S: Final = 15.0
_AN_INSTANT_S: Final = 1e-5
"""What was asked as a step began is of that step."""


class Boards:
    """The dashboards of *ground*, as pages of *app*."""

    def __init__(self, app: Flask, ground: Ground) -> None:
        self.app = app
        self.ground = ground
        self._panels = Knowledge(ground.clock, most=MOST_VIEWS, share=SHARE)

    def page(
        self, template: str, board: Dashboard, path: str, *, choices: Mapping[str, tuple[str, ...]], **more: Any
    ) -> WerkzeugResponse:
        """Write *board* as the address asks for it, with *template* and what that needs *more*.

        If the times are wrong the form says so, as it was filled in, and there are no figures. Raises BadRequest.
        """
        view = address.read(request.args, refresh=board.refresh, known=choices)
        if chosen := request.args.get("range"):
            return redirect(f"{path}?{view.address(start=f'now-{address.offered(chosen)}', end='now')}")
        wrong = address.wrong_times(view, self.ground.clock.now_ns() / NANOSECONDS)
        known = Known[Markup](None, None) if wrong else self.panels(board, view)
        page = render_template(
            template,
            board=board,
            path=path,
            choices=choices,
            view=view,
            wrong=wrong,
            known=known,
            overdue=known.is_overdue(to_datetime(self.ground.clock.now_ns()), view.refresh_s or MOST_STEP_S),
            on_light=ON_LIGHT,
            ranges=address.RANGES,
            refreshes=address.REFRESHES,
            refresh=None if wrong else view.refresh_s or None,
            **more,
        )
        return Response(page, 400 if wrong else 200, mimetype="text/html")

    def panels(self, board: Dashboard, view: View) -> Known[Markup]:
        """The panels of *board* as HTML; each says why it has no figures, if Prometheus never answered."""
        step_s = min(view.refresh_s or MOST_STEP_S, MOST_STEP_S)
        now_s = self.ground.clock.now_ns() / NANOSECONDS
        begun_s = now_s - now_s % step_s

        def ask_again() -> Markup:
            self.ground.prometheus.query("vector(1)")  # without an answer what was known stays
            return self._written(ask(board, view.window(begun_s), self.ground.prometheus))

        for_s = now_s - begun_s + _AN_INSTANT_S
        known = self._panels.of((board.uid, view.key), ask_again, for_s=for_s, wait_s=WAIT_S)
        if known.value is not None:
            return known
        why = known.absence("Prometheus")
        empty = {id(panel): Answer(error=why) for panel in board.shown}
        return Known(self._written(Snapshot(board, view.window(begun_s), empty)), None, why)

    def choices(self, board: Dashboard) -> Mapping[str, tuple[str, ...]]:
        """What each variable of *board* offers; nothing while that is not known."""

        def ask_again() -> dict[str, tuple[str, ...]]:
            return choices(board, lambda selector, label: self.ground.prometheus.label_values(label, selector))

        if not board.variables:
            return {}
        known = self.ground.knowledge.of(("choices", board.uid), ask_again, for_s=_CHOICES_S)
        return known.value or {variable.name: () for variable in board.variables}

    def _written(self, snapshot: Snapshot) -> Markup:
        board, runbooks = snapshot.dashboard, frozenset(file.stem for file in self.ground.runbooks.glob("*.md"))
        points = {
            id(panel): trace_points(panel, board, snapshot.window, self.ground.prometheus)
            for panel in board.shown
            if not snapshot.answers[id(panel)].empty
        }
        shown = panels_of(snapshot, points)
        links = {one.id: links_of(one.panel, dashboards=self.ground.dashboards, runbooks=runbooks) for one in shown}
        with self.app.app_context():
            return Markup(render_template("panels.html", panels=shown, links=links))  # noqa: S704  autoescaped there
