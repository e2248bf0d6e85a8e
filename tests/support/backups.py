"""What a backup must bring back, whichever way the stack runs."""

from collections.abc import Callable
from typing import Any, Final

_DRAWN: Final = ("sum(cdb_signals_generated_total)", "sum(cdb_trades_executed_total)", "max(cdb_total_exposure_pct)")


def drawn_before(at: float, prometheus: Callable[..., Any]) -> list[Any]:
    """Series that three panels of the dashboards draw of the minute before *at*; None for each that is not answered.

    *prometheus* asks GET /api/v1/<path> with parameters.
    """
    minute = {"start": str(at - 60), "end": str(at), "step": "5"}
    answers = (prometheus("query_range", query=query, **minute) for query in _DRAWN)
    return [answer and answer["result"] for answer in answers]
