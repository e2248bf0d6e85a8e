"""Metrics: the contract, with a live value and a chart of each."""

from typing import Annotated, Final

import msgspec
from flask import Flask, abort, render_template
from msgspec import Meta
from werkzeug.wrappers import Response

from console import reference
from console.dashboards.shown import Boards
from console.ground import Ground
from services.clock import to_datetime
from services.runtime.parameters import BadRequest, parameters
from telemetry.contract import Metric

REFRESH_S: Final = 10
_RULES_S: Final = 30.0
_LONGEST: Final = 100


class Asked(msgspec.Struct):
    """Which metrics: those that have all words of *q*."""

    q: Annotated[str, Meta(max_length=_LONGEST)] = ""


def add(app: Flask, ground: Ground) -> None:
    """Answer /metrics-reference and /metrics-reference/NAME; /metrics is what Prometheus would expect there."""
    boards = Boards(app, ground)

    @app.get("/metrics-reference")
    def metrics() -> str:
        try:
            asked = parameters(Asked)
        except BadRequest as error:
            raise BadRequest(f"q must be at most {_LONGEST} characters long") from error
        known = ground.knowledge.of("metrics", lambda: reference.values(ground.prometheus), for_s=REFRESH_S / 2)
        rows = [
            (one, reference.value_text(one, known.value or {}), reference.series_text(one, known.value or {}))
            for one in reference.found(asked.q)
        ]
        return render_template(
            "metrics.html",
            rows=rows,
            q=asked.q,
            known=known,
            overdue=known.is_overdue(to_datetime(ground.clock.now_ns()), REFRESH_S),
            total=len(reference.METRICS),
            refresh=REFRESH_S,
        )

    @app.get("/metrics-reference/<name>")
    def metric(name: str) -> Response:
        if name not in reference.METRICS:
            abort(404, f"the contract has no metric {name!r:.80}")
        return _metric(ground, boards, reference.METRICS[name])


def _metric(ground: Ground, boards: Boards, metric: Metric) -> Response:
    rules = ground.knowledge.of(
        "rules", lambda: [rule for group in ground.prometheus.rules() for rule in group.rules], for_s=_RULES_S
    )
    return boards.page(
        "metric.html",
        reference.board_of(metric),
        f"/metrics-reference/{metric.prometheus}",
        choices={},
        metric=metric,
        rules=rules,
        uses=reference.uses(metric, ground.dashboards.values(), rules.value or []),
        runbooks=frozenset(file.stem for file in ground.runbooks.glob("*.md")),
    )
