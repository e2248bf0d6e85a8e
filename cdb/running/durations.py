"""Settings that are lengths of time, for servers that have a grammar of their own."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from cdb.running.errors import StackError
from services import durations

PROMETHEUS_RETENTION: Final = "CDB_PROMETHEUS_RETENTION"
PROMETHEUS_RETENTION_DEFAULT: Final = "14d"
SCRAPE_INTERVAL: Final = "CDB_SCRAPE_INTERVAL"
SLOW_DECISION: Final = "CDB_SLOW_DECISION_MS"
IN_COLLECTOR: Final = ("CDB_METRIC_EXPIRATION", "CDB_SPAN_METRICS_INTERVAL", "CDB_TRACE_DECISION_WAIT", SLOW_DECISION)
IN_JAEGER: Final = ("CDB_TRACE_RETENTION",)
IN_CONTAINERS: Final = (*IN_COLLECTOR, *IN_JAEGER, PROMETHEUS_RETENTION)
_MILLISECOND: Final = timedelta(milliseconds=1)


class _Grammar(NamedTuple):
    """How a server is given a length, what it reads, and what our own grammar allows before that."""

    write: Callable[[timedelta], str]
    reads: re.Pattern[str]
    least: timedelta = _MILLISECOND
    plain: str = ""


_GO: Final = _Grammar(durations.for_servers, re.compile(r"([0-9.]+(us|ms|s|m|h))+"))
_PROMETHEUS: Final = _Grammar(durations.written, re.compile(r"[0-9]+(ms|[smhdwy])"))
_GRAMMARS: Final = {
    **dict.fromkeys((*IN_COLLECTOR, *IN_JAEGER), _GO),
    SLOW_DECISION: _Grammar(lambda length: f"{length / _MILLISECOND:g}", re.compile(r"[0-9.]+"), plain="ms"),
    SCRAPE_INTERVAL: _PROMETHEUS,
    PROMETHEUS_RETENTION: _PROMETHEUS._replace(least=timedelta(hours=1)),
}


def for_servers(settings: Mapping[str, str], *names: str) -> dict[str, str]:
    """Those of the settings called *names* that are set, as their servers read them. Raises StackError."""
    return {name: _written(name, settings[name]) for name in names if settings.get(name)}


def refuse_unreadable_in_containers(settings: Mapping[str, str]) -> None:
    """Raise StackError naming a length of time that a server in a container, which gets it as it is, cannot read."""
    for name, wanted in for_servers(settings, *IN_CONTAINERS).items():
        if not _GRAMMARS[name].reads.fullmatch(settings[name]):
            raise StackError(f"{name}={settings[name]!r:.80} must be written {wanted} for the Docker stack")


def _written(name: str, text: str) -> str:
    grammar = _GRAMMARS[name]
    try:
        return grammar.write(durations.parse(text, least=grammar.least, plain=grammar.plain))
    except durations.BadDuration as error:
        raise StackError(f"{name}={error}") from error
