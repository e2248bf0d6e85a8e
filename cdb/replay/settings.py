"""Which settings a replay has: those of .env, the environment and --set, and what it sets itself."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from cdb.running.native import Ports, envfile, known_settings, shell
from cdb.running.native.checked_settings import refuse_wrong_for_replay
from cdb.running.native.unknown_settings import refuse_in_options, refuse_unknown
from services.settings import OFF, BusSettings, ExportSettings, MigrateSettings, without_empty

_FIXED: Final = {
    "CDB_SOURCE": "replay",
    "CDB_CLOCK": "event",
    "CDB_LOCKSTEP": "1",
    "CDB_TEST_ENDPOINTS": "0",
    "CDB_OTLP_ENDPOINT": OFF,
    "CDB_LOG_LEVEL": "WARNING",
}
_OWN: Final = frozenset(
    {
        *(*_FIXED, "CDB_REPLAY_FILE", "CDB_REPLAY_READING", "CDB_REPLAY_SPEED", "CDB_SYMBOLS"),
        *Ports.variables().values(),
        *(name for kind in (BusSettings, MigrateSettings) for name in kind.variables()),
    }
)
"""What a replay sets itself: its trades, its servers and that nothing is exported."""


def chosen_settings(
    options: Mapping[str, str], environ: Mapping[str, str], root: Path, *, grid: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Join .env, *environ* and *options* of --set and --grid, the later winning.

    Raises StackError naming what is unknown or wrong.
    """
    lines = envfile.read_strictly(root / ".env")
    refuse_unknown(lines, environ, root)
    chosen = {**shell.settings(lines, environ, root), **options, **(grid or {})}
    allowed, every = with_effect(chosen, root), known_settings.names(chosen, root)
    for option, names in (("--set", options), ("--grid", grid or {})):
        refuse_in_options(option, names, allowed=allowed, taken=_OWN, every=every)
    settings = without_empty(chosen)
    placeholders = {"POSTGRES_PASSWORD": "its-own", "REDIS_PASSWORD": "its-own"}
    refuse_wrong_for_replay({**settings, **_FIXED, **placeholders}, root)
    return settings


def with_effect(chosen: Mapping[str, str], root: Path) -> frozenset[str]:
    """Names of settings that change what a replay with the strategies in *chosen* does. Raises StackError."""
    return known_settings.of_trading({**chosen, **_FIXED}, root) - _OWN - ExportSettings.variables().keys()


def environment(settings: Mapping[str, str], symbols: Iterable[str]) -> dict[str, str]:
    """What the services are told that trade *symbols* from files."""
    return {**settings, **_FIXED, "CDB_SYMBOLS": ",".join(symbols)}
