"""Decisions: what each was based on, and what became of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from flask import Flask, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from cdb.audit.numbers import numbers
from cdb.kit import figures
from console.decisions.asked import CAUSES, Asked, wanted_of
from console.decisions.basis import Basis, basis_of
from console.decisions.layers import layers_of
from console.decisions.listing import Page, page_of
from console.decisions.trace_of import Found, trace_of, why_missing
from console.filters import filters
from console.ground import Ground
from console.knowledge import Known
from console.traces.logs import known_lines
from services.clock import to_datetime
from services.ledger.results import Reader
from services.risk.rules import Reason

TIMEOUT_MS: Final = 3_000
RANGES: Final = ("15m", "1h", "6h", "24h", "7d")
_REFRESH_S: Final = 5
_LONGEST_ID: Final = 200
_FRESH: Final = timedelta(minutes=2)
"""A decision changes for so long: its order is filled, its trace appears."""
_SYMBOLS: Final = "SELECT symbol FROM marks ORDER BY symbol LIMIT 200"
_STRATEGIES: Final = "SELECT DISTINCT strategy FROM positions ORDER BY strategy LIMIT 50"


def add(app: Flask, ground: Ground) -> None:
    """Answer /decisions and /decisions/ID, of a signal or of an order."""

    @app.get("/decisions")
    def decisions() -> str:
        asked = filters(Asked)
        wanted = wanted_of(asked, now=to_datetime(ground.clock.now_ns()))

        def read() -> Page:
            with ground.ledger.moment(timeout_ms=TIMEOUT_MS) as ledger:
                return page_of(ledger, wanted)

        found = ground.knowledge.of(("decisions", asked), read, for_s=2)
        return render_template(
            "decisions.html",
            refresh=None if asked.before else _REFRESH_S,
            asked=asked,
            found=found,
            causes=CAUSES,
            reasons=list(Reason),
            ranges=RANGES,
            choices=_choices(ground),
            ignored=asked.cause != "signal" and wanted.of_decisions_only,
            figures=figures,
        )

    @app.get("/decisions/<path:name>")
    def decision(name: str) -> str | Response:
        if len(name) > _LONGEST_ID or not (name.isascii() and name.isprintable()):
            abort(404, "No signal and no order has such a name.")
        found = ground.knowledge.of(("decision", name), lambda: _read(ground, name), for_s=2)
        absence = found.absence("The ledger")
        if found.value is None and not absence:
            abort(404, f"The ledger has no decision on a signal {name!r:.200}, and no order of that name.")
        if found.value is not None and found.value.name != name:
            return redirect(url_for("decision", name=found.value.name))
        return render_template(
            "decision.html", name=name, found=found, absence=absence, figures=figures, **_shown(ground, found)
        )


def _read(ground: Ground, name: str) -> Basis | None:
    with ground.ledger.moment(timeout_ms=TIMEOUT_MS) as ledger:
        return basis_of(ledger, name)


def _choices(ground: Ground) -> Known[tuple[list[str], list[str]]]:
    """Symbols and strategies that may be asked for."""

    def column(ledger: Reader, statement: str) -> list[str]:
        return [name for (name,) in ledger.execute(statement)]

    def read() -> tuple[list[str], list[str]]:
        with ground.ledger.moment(timeout_ms=TIMEOUT_MS) as ledger:
            return column(ledger, _SYMBOLS), column(ledger, _STRATEGIES)

    return ground.knowledge.of("symbols and strategies", read, for_s=60)


def _shown(ground: Ground, found: Known[Basis | None]) -> dict[str, Any]:
    """What the page of a decision shows besides it."""
    basis = found.value
    if basis is None:
        return {"basis": None, "refresh": _REFRESH_S}
    age = to_datetime(ground.clock.now_ns()) - basis.at
    trace, logs = _trace(ground, basis, is_fresh=age < _FRESH), known_lines(ground, basis.name, at=basis.at)
    is_late = found.is_late or trace.is_late or (logs is not None and logs.is_late)
    decision, signal = basis.decision, basis.signal
    return {
        "basis": basis,
        "refresh": _REFRESH_S if age < _FRESH or is_late else None,
        "layers": layers_of(signal, decision) if signal and decision else [],
        "marks": (numbers(decision.marks) or {}) if decision else {},
        "limits": (numbers(decision.limits) or {}) if decision else {},
        "drawdown": _drawdown(basis),
        "trace": trace,
        "missing": trace.absence("Jaeger") or why_missing(age),
        "logs": logs,
    }


def _trace(ground: Ground, basis: Basis, *, is_fresh: bool) -> Known[Found | None]:
    tags = {"cdb.signal_id": basis.name} if basis.signal else {"cdb.order_id": basis.name}
    return ground.knowledge.of(
        ("trace of", basis.name),
        lambda: trace_of(ground.jaeger, tags, at=basis.at),
        for_s=_REFRESH_S if is_fresh else 60,
    )


def _drawdown(basis: Basis) -> Decimal | None:
    decision = basis.decision
    if decision is None or decision.reference_equity <= 0:
        return None
    return max(Decimal(0), (decision.reference_equity - decision.equity) / decision.reference_equity)
