"""The one place with state of the whole process: its recorder, and its telemetry once that runs.

The handbook's calls are a module's functions, so there has to be one. Everything else takes a Recorder.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from threading import Lock
from typing import Final, cast, get_args

from telemetry.contract import load_contract
from telemetry.handbook import Metrics
from telemetry.recorder import Recorder, Recording
from telemetry.setup import Telemetry, TelemetrySettings

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SWITCH: Final = "CDB_TELEMETRY_RECORDING"


def _recording() -> Recording:
    # Read here, since handles may be bound before any settings exist.
    value = os.environ.get(_SWITCH, "fast")
    if value not in get_args(Recording):
        raise ValueError(f"{_SWITCH} is {value!r}; allowed: {', '.join(get_args(Recording))}")
    return cast("Recording", value)


_recorder: Final = Recorder(load_contract(), recording=_recording())
_lock: Final = Lock()
_running: list[Telemetry] = []

METRICS: Final = Metrics(_recorder)


def start(
    *,
    service: str | None,
    symbols: Sequence[str] = (),
    expected: Mapping[str, Collection[str]] | None = None,
    settings: TelemetrySettings | None = None,
) -> Telemetry:
    """Start this process's telemetry. Raise RuntimeError if it runs already."""
    with _lock:
        if _running:
            raise RuntimeError("telemetry runs already: call start_telemetry once, before the first get_metrics()")
        _running.append(
            Telemetry(
                _recorder,
                service=service,
                symbols=symbols,
                expected=expected,
                settings=settings or TelemetrySettings(),
            )
        )
        return _running[0]


def get_metrics() -> bytes:
    """Return the /metrics page (CONTENT_TYPE); starts local telemetry with all metrics if nobody has started any."""
    if not _running:
        start(service=None)
    return _running[0].exposition()
