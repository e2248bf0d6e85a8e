"""Settings that are lengths of time, for servers that have a grammar of their own."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from cdb.running.errors import StackError
from services import durations

IN_COLLECTOR: Final = ("CDB_METRIC_EXPIRATION", "CDB_SPAN_METRICS_INTERVAL", "CDB_TRACE_DECISION_WAIT")
IN_JAEGER: Final = ("CDB_TRACE_RETENTION",)
SLOW_DECISION: Final = "CDB_SLOW_DECISION_MS"
PROMETHEUS_RETENTION: Final = "CDB_PROMETHEUS_RETENTION"
PROMETHEUS_RETENTION_DEFAULT: Final = "14d"
SCRAPE_INTERVAL: Final = "CDB_SCRAPE_INTERVAL"
IN_CONTAINERS: Final = (*IN_COLLECTOR, *IN_JAEGER, SLOW_DECISION, PROMETHEUS_RETENTION)
_HOUR: Final = timedelta(hours=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_GO: Final = re.compile(r"([0-9.]+(us|ms|s|m|h))+")
_WHOLE: Final = re.compile(r"[0-9]+[smhdwy]")


def for_collector(settings: Mapping[str, str]) -> dict[str, str]:
    """Those of *settings* that the collector reads, in its form. Raises StackError naming a wrong one."""
    lengths = _for_go(settings, IN_COLLECTOR)
    if settings.get(SLOW_DECISION):
        lengths[SLOW_DECISION] = f"{_read(settings, SLOW_DECISION, plain='ms') / _MILLISECOND:g}"
    return lengths


def for_jaeger(settings: Mapping[str, str]) -> dict[str, str]:
    """Those of *settings* that Jaeger reads, in its form. Raises StackError naming a wrong one."""
    return _for_go(settings, IN_JAEGER)


def retention(settings: Mapping[str, str]) -> str:
    """How long Prometheus stores metrics, in its form. Raises StackError."""
    chosen = {PROMETHEUS_RETENTION: settings.get(PROMETHEUS_RETENTION) or PROMETHEUS_RETENTION_DEFAULT}
    return durations.written(_read(chosen, PROMETHEUS_RETENTION, least=_HOUR))


def scrape_interval(settings: Mapping[str, str]) -> str | None:
    """How often Prometheus scrapes and evaluates rules, in its form; None as its file says. Raises StackError."""
    if not settings.get(SCRAPE_INTERVAL):
        return None
    return durations.written(_read(settings, SCRAPE_INTERVAL, least=_MILLISECOND))


def refuse_unreadable_in_containers(settings: Mapping[str, str]) -> None:
    """Raise StackError naming a length of time that a server in a container, which gets it as it is, cannot read."""
    for name in IN_CONTAINERS:
        text = settings.get(name, "")
        if not text:
            continue
        length = _read(settings, name, plain="ms" if name == SLOW_DECISION else "")
        if name == SLOW_DECISION:
            fits, instead = text.isdecimal(), f"{length / _MILLISECOND:g}"
        elif name == PROMETHEUS_RETENTION:
            fits, instead = bool(_WHOLE.fullmatch(text)), durations.written(length)
        else:
            fits, instead = bool(_GO.fullmatch(text)), durations.for_servers(length)
        if not fits:
            raise StackError(f"{name}={text!r:.80} must be written {instead} for containers")


def _for_go(settings: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: durations.for_servers(_read(settings, name)) for name in names if settings.get(name)}


def _read(settings: Mapping[str, str], name: str, *, least: timedelta = _MILLISECOND, plain: str = "") -> timedelta:
    try:
        return durations.parse(settings[name], least=least, plain=plain)
    except durations.BadDuration as error:
        raise StackError(f"{name}={error}") from error
