"""Traces: slow, failed and rejected decisions, and where their time went."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from flask import Flask, redirect, render_template, url_for
from werkzeug.wrappers import Response

from cdb.kit import figures
from cdb.kit.errors import Away
from cdb.trace import find as ids
from cdb.trace.baseline import Baseline, Kind, baselines_for
from cdb.trace.comparison import COLUMNS, Compared, cells, compare, notes, sentence
from cdb.trace.model import Trace
from cdb.trace.waterfall import about, remarks, rows
from console.filters import filters, length_of
from console.ground import Ground
from console.traces import listing
from console.traces.logs import known_lines
from console.traces.picture import MOST_ROWS, axis, bars
from services.clock import NANOSECONDS, to_datetime
from services.durations import parse

KINDS: Final = {"slow": "Slow", "failed": "Failed", "rejected": "Rejected"}
RANGES: Final = ("15m", "1h", "6h", "24h")
OVER: Final = "50ms"
_REFRESH_S: Final = 5
_LOOKED_AT: Final = 300
"""Newest traces of each service among which an id's beginning is looked for."""
_MICROSECOND: Final = timedelta(microseconds=1)
_FRESH: Final = timedelta(minutes=1)
"""Spans of a trace still come for so long."""


class Asked(msgspec.Struct, frozen=True):
    """Which traces."""

    kind: Literal["slow", "failed", "rejected"] = "slow"
    over: str = OVER
    since: Literal["15m", "1h", "6h", "24h"] = "15m"


def add(app: Flask, ground: Ground) -> None:
    """Answer /traces and /traces/ID; an ID may be the beginning of one."""

    @app.get("/traces")
    def traces() -> str:
        asked = filters(Asked)
        over_us = length_of("over", asked.over) // _MICROSECOND
        since_us = parse(asked.since) // _MICROSECOND

        def read() -> listing.Rows:
            now_us = _now_us(ground)
            return listing.find(ground.jaeger, asked.kind, over_us=over_us, start_us=now_us - since_us, end_us=now_us)

        found = ground.knowledge.of(("traces", asked), read, for_s=_REFRESH_S)
        return render_template(
            "traces.html", refresh=_REFRESH_S, asked=asked, found=found, kinds=KINDS, ranges=RANGES, figures=figures
        )

    @app.get("/traces/<wanted>")
    def trace(wanted: str) -> tuple[str, int] | Response:
        try:
            trace_id = _whole_id(ground, wanted.lower())
        except ids.NoSuchTrace as error:
            return render_template("trace_missing.html", why=str(error), wanted=""), 404
        except Away as error:
            return render_template("trace_missing.html", problem=str(error), wanted="", refresh=_REFRESH_S), 200
        if trace_id != wanted:
            return redirect(url_for("trace", wanted=trace_id))
        return _page(ground, trace_id)


def _whole_id(ground: Ground, wanted: str) -> str:
    """The id that is *wanted*, or begins so. Raises NoSuchTrace or Away."""
    ids.check_id(wanted)
    if ids.is_whole(wanted):
        return wanted
    # One answer for whatever is wanted: Jaeger cannot look for beginnings.
    newest = ground.knowledge.of(
        "newest traces", lambda: ids.newest_ids(ground.jaeger, now_us=_now_us(ground), most=_LOOKED_AT), for_s=15
    )
    if newest.value is None:
        raise Away(newest.absence("Jaeger"))
    return ids.only_one(newest.value, wanted, looked_at=_LOOKED_AT)


def _page(ground: Ground, trace_id: str) -> tuple[str, int]:
    found = ground.knowledge.of(("trace", trace_id), lambda: ground.jaeger.trace(trace_id), for_s=_REFRESH_S)
    trace = found.value
    began = datetime.fromtimestamp(trace.start_us / 1e6, UTC) if trace else None
    is_fresh = began is None or to_datetime(ground.clock.now_ns()) - began < _FRESH
    logs = known_lines(ground, trace_id, at=began)
    more: dict[str, Any] = {"wanted": trace_id, "logs": logs, "figures": figures}
    if trace is None:
        absence = found.absence("Jaeger")
        more |= {"problem": absence, "why": f"There is no trace {trace_id}.", "refresh": _REFRESH_S}
        return render_template("trace_missing.html", **more), 200 if absence else 404
    lines = rows(trace)
    whole_us = trace.end_us - trace.start_us
    explained = _explained(ground, trace)
    is_late = found.is_late or explained.is_late or (logs is not None and logs.is_late)
    return render_template(
        "trace.html",
        refresh=_REFRESH_S if is_fresh or is_late else None,
        trace=trace,
        began=began,
        found=found,
        about=about(trace),
        remarks=remarks(trace),
        explained=explained,
        bars=bars(lines, whole_us),
        left_out=max(0, len(lines) - MOST_ROWS),
        axis=axis(whole_us),
        columns=COLUMNS,
        **more,
    ), 200


@dataclass(frozen=True)
class Explained:
    """Where the time of a trace went, beside how long that usually takes, if there is no *problem* with that."""

    sentence: str
    rows: list[tuple[Compared, tuple[str, ...]]]
    notes: list[str]
    problem: str
    is_late: bool


def _explained(ground: Ground, trace: Trace) -> Explained:
    def measure() -> dict[Kind, Baseline]:
        now_s = ground.clock.now_ns() / NANOSECONDS
        return baselines_for(ground.prometheus, began=trace.start_us / 1e6, now=now_s)

    usual = ground.knowledge.of(("usual before", trace.trace_id), measure, for_s=60)
    compared = compare(trace, usual.value or {})
    said = sentence(trace, compared)
    return Explained(
        said,
        [(row, cells(row)) for row in compared[:MOST_ROWS]],
        notes(compared),
        usual.absence("Prometheus"),
        usual.is_late,
    )


def _now_us(ground: Ground) -> int:
    return ground.clock.now_ns() // 1_000
