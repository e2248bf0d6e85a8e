"""The buckets of a histogram of the contract, each as a query of its own."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from monitoring.dashboards.source.panels import Query
from telemetry.contract import load_contract

_BOUNDS: Final = {metric.prometheus: metric.buckets for metric in load_contract().metrics}


@dataclass(frozen=True)
class Bucket:
    """How many values were above *above* and at most *up_to*; None: without a limit."""

    above: float | None
    up_to: float | None
    query: Query


def buckets(histogram: str, written: Callable[[float], str], *, in_range: bool = False) -> Iterator[Bucket]:
    """Yield the buckets from the lowest to the highest; *written* writes a bound.

    With *in_range* they count what came in the time shown, whatever was restarted, else what the histogram has now.
    """
    ends = (None, *_BOUNDS[histogram], None)
    for above, up_to in itertools.pairwise(ends):
        counted = _up_to(histogram, up_to, in_range=in_range)
        if above is None:
            name = f"up to {written(up_to)}" if up_to is not None else "all"
        else:
            counted += f" - {_up_to(histogram, above, in_range=in_range)}"
            name = f"over {written(above)}" if up_to is None else f"{written(above)} to {written(up_to)}"
        yield Bucket(above, up_to, Query(counted, name))


def _up_to(histogram: str, bound: float | None, *, in_range: bool) -> str:
    # Prometheus 3 writes the bound 5 as 5.0, earlier versions as 5.
    wanted = 'le="+Inf"' if bound is None else f'le=~"{bound:.0f}|{bound:.1f}"'
    counted = f"{histogram}_bucket{{{wanted}}}"
    return f"sum(increase({counted}[$__range]))" if in_range else f"sum({counted})"
