"""Start the telemetry of this process.

The recorder and the running telemetry are global here, because the handbook's calls are functions of a module.
Everything else gets a Recorder.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from threading import Lock
from typing import Final, cast, get_args

from opentelemetry import trace

from telemetry.contract import load_contract
from telemetry.pipeline import Telemetry, TelemetrySettings
from telemetry.recorder import Recorder, Recording
from telemetry.recording_calls import Metrics

__all__ = [
    "CONTENT_TYPE",
    "METRICS",
    "Telemetry",
    "TelemetrySettings",
    "admit_symbols",
    "get_metrics",
    "record_nothing",
    "start_telemetry",
]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SWITCH: Final = "CDB_TELEMETRY_RECORDING"


def _recording() -> Recording:
    # Read here, since handles may be bound before settings are read.
    value = os.environ.get(_SWITCH) or "fast"
    if value not in get_args(Recording):
        raise ValueError(f"{_SWITCH} is {value!r}; allowed: {', '.join(get_args(Recording))}")
    return cast("Recording", value)


_recorder: Final = Recorder(load_contract(), recording=_recording())
_lock: Final = Lock()
_running: list[Telemetry] = []

METRICS: Final = Metrics(_recorder)


def start_telemetry(
    *,
    service: str,
    symbols: Sequence[str] = (),
    configured: Mapping[str, Sequence[str]] | None = None,
    expected: Mapping[str, Collection[str]] | None = None,
    settings: TelemetrySettings | None = None,
) -> Telemetry:
    """Start the telemetry of this process; call it once.

    *symbols* are the only ones recorded under their names; without any, the first 32 are. *configured* says the same of
    other open labels, such as {"strategy": ["momentum_v1"]}. *expected* narrows the values of listed labels that are
    exposed as 0 from the start, such as {"exchange": ["paper"]}. Raises ContractError if the service or a value is not
    in the contract, RuntimeError if telemetry runs already.
    """
    telemetry = _start(service, {"symbol": symbols, **(configured or {})}, expected, settings)
    trace.set_tracer_provider(telemetry.tracer_provider)
    return telemetry


def admit_symbols(symbols: Iterable[str]) -> None:
    """Record *symbols*, too, under their own names: such as those that are held though no longer configured."""
    _recorder.also_admit("symbol", symbols)


def record_nothing() -> None:
    """Have all recording calls of this process do nothing: its metrics and its spans are nobody's."""
    _recorder.mute()
    trace.set_tracer_provider(trace.NoOpTracerProvider())


def get_metrics() -> bytes:
    """Write the /metrics page (CONTENT_TYPE). Starts local telemetry with all metrics if none runs."""
    if not _running:
        _start(None, {}, None, None)
    return _running[0].exposition()


def _start(
    service: str | None,
    configured: Mapping[str, Sequence[str]],
    expected: Mapping[str, Collection[str]] | None,
    settings: TelemetrySettings | None,
) -> Telemetry:
    settings = settings or TelemetrySettings()
    with _lock:
        if _running:
            raise RuntimeError("telemetry runs already: call start_telemetry once, before the first get_metrics()")
        telemetry = Telemetry(_recorder, service=service, configured=configured, expected=expected, settings=settings)
        _running.append(telemetry)
    return telemetry
