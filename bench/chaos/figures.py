"""From what happened to a table: how long decisions took to return after each kind of fault, and what was lost."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise, product
from statistics import median
from typing import Any, Final
from urllib.parse import quote

from bench.chaos.faults import COLLECTOR, PARTS, Way
from bench.chaos.run import CALM_S, COUNTERS, Endured, Run
from bench.pipeline.report import Aim, Figure, Section
from bench.stacks import Bot

_FIRED: Final = 'count by (alertname) (max_over_time(ALERTS{alertstate="firing"}[6h]))'
_COMMITS: Final = "SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM decisions ORDER BY 1"
_COUNTED: Final = "SELECT count(*), count(*) FILTER (WHERE {}) FROM {}"
TAKEN_OVER_WITHIN_S: Final = 5.0
NOT_NEEDED: Final = ("cdb_execution", COLLECTOR)
"""Parts without which decisions go on."""
NOTES: Final = (
    "time begins with the signal to the process, or the request to end, and ends with the commit of the first decision "
    "(and of the first fill) on a trade that happened while or after the part was down; a stop lasts 0.5 to 7 s itself",
    "decisions need neither execution nor the collector: there the longest gap says whether they went on",
    "commits are PostgreSQL's own times (pg_xact_commit_timestamp), taken just before it flushes its log",
    "longest gap: without any commit of a decision, from a fault to the next; its maximum",
    "the market does not wait: what happens while ws or the bus is away is dropped, and counted",
)


def fill(section: Section, bot: Bot, run: Run, *, lost_signals: int) -> None:
    """Add rows, figures and notes of *run* to *section*, which has the checks already."""
    commits = [at for (at,) in bot.query(_COMMITS)]
    section.rows = _rows(run.endured, commits)
    section.figures += [*_did(bot, run), *_lost(run, lost_signals), *_gaps(run, commits), *_after_stops(run)]
    if run.standby:
        section.figures += [*_takeovers(run), _alerts(bot)]
    section.notes += NOTES


def longest_gap(commits: Sequence[float], since: float, until: float) -> float:
    """Longest time without a commit from *since* to *until*; *commits* rise."""
    within = commits[bisect_left(commits, since) : bisect_right(commits, until)]
    return max(later - earlier for earlier, later in pairwise((since, *within, until)))


def _rows(endured: Sequence[Endured], commits: Sequence[float]) -> list[dict[str, Any]]:
    """One row for each kind of fault that happened, in the order of parts, and one for all."""
    ends = [*(each.began for each in endured[1:]), *commits[-1:]]
    found = [(each, longest_gap(commits, each.began, end)) for each, end in zip(endured, ends, strict=False)]
    kinds: dict[str, list[tuple[Endured, float]]] = {f"{part}: {way}": [] for part, way in product(PARTS, Way)}
    for each, gap in found:
        kinds[each.fault.kind].append((each, gap))
    kinds["all"] = found
    return [_row(kind, of_kind) for kind, of_kind in kinds.items() if of_kind]


def _row(kind: str, found: Sequence[tuple[Endured, float]]) -> dict[str, Any]:
    decided, filled = [each.decided_s for each, _ in found], [each.filled_s for each, _ in found]
    return {
        "fault": kind,
        "count": len(found),
        "decides again p50, s": median(decided),
        "decides again max, s": max(decided),
        "fills again p50, s": median(filled),
        "fills again max, s": max(filled),
        "longest gap, s": max(gap for _, gap in found),
    }


def _did(bot: Bot, run: Run) -> list[Figure]:
    decisions, approved = bot.query(_COUNTED.format("verdict = 'approved'", "decisions"))[0]
    orders, stop_losses = bot.query(_COUNTED.format("cause = 'stop_loss'", "orders"))[0]
    fills = bot.query("SELECT count(*) FROM fills")[0][0]
    return [
        Figure("faults", len(run.endured), ""),
        Figure("decisions", decisions, "", None, f"{approved:,} approved"),
        Figure("orders", orders, "", None, f"{stop_losses:,} stop losses"),
        Figure("fills", fills, ""),
    ]


def _lost(run: Run, signals: int) -> list[Figure]:
    counted, (dropped, trimmed, resent) = run.counted, COUNTERS
    return [
        Figure("trades dropped by ws", counted[dropped], "trades", None, f"on purpose, the bus was away: {dropped}"),
        Figure("trades the bus lost", counted[trimmed], "trades", None, f"before core read them: {trimmed}"),
        Figure("signals the bus lost", signals, "signals", None, "with a killed Redis; a signal may be lost, no order"),
        Figure("orders sent again by risk", counted[resent], "orders", None, resent),
    ]


def _after_stops(run: Run) -> list[Figure]:
    found = [
        each.decided_s - each.fault.stopped_s
        for each in run.endured
        if each.fault.way is Way.STOPPED and each.fault.part not in NOT_NEEDED
    ]
    how = "redis, postgres, ws, core, risk: time to decide again less the stop itself"
    return [
        Figure("decides again once a stop has ended, p50", median(found) if found else None, "s", None, how),
        Figure("decides again once a stop has ended, max", max(found, default=None), "s", None, how),
    ]


def _takeovers(run: Run) -> list[Figure]:
    """How long it took the second copy to decide (or fill) in place of the first."""
    found = [each.filled_s if each.fault.part == "cdb_execution" else each.decided_s for each in run.endured]
    how = "until a decision, after faults of execution a fill, on a later trade"
    return [
        Figure("a standby has taken over, p50", median(found) if found else None, "s", None, how),
        Figure("a standby has taken over, max", max(found, default=None), "s", Aim("<", TAKEN_OVER_WITHIN_S), how),
    ]


def _alerts(bot: Bot) -> Figure:
    found = json.loads(bot.ask("prometheus", f"/api/v1/query?query={quote(_FIRED)}"))["data"]["result"]
    names = sorted(series["metric"]["alertname"] for series in found)
    return Figure("alerts that fired", len(names), "", None, ", ".join(names))


def _gaps(run: Run, commits: Sequence[float]) -> list[Figure]:
    found = [row["longest gap, s"] for row in _rows(run.endured, commits) if row["fault"].startswith(COLLECTOR)]
    calm, how = longest_gap(commits, *run.calm), f"in {CALM_S:g} s before the first fault"
    return [
        Figure("longest gap without a decision, undisturbed", calm, "s", None, how),
        Figure("longest gap without a decision, collector", max(found, default=None), "s", None, "in its faults"),
    ]
