"""One list of the settings that exist. What is not in it has no effect anywhere, so whoever reads settings compares.

Settings are what an operator writes into .env. The other names do not belong there: they choose what a command works
on, or are what the stack tells its own programs.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

from cdb.running.errors import StackError
from cdb.running.native.envfile import TEMPLATE
from cdb.running.native.ports import Ports
from services import plugins
from services.core import strategies
from services.core.settings import CoreSettings
from services.execution.settings import ExecutionSettings
from services.risk.settings import RiskSettings
from services.settings import MigrateSettings, Settings
from services.ws import sources
from services.ws.settings import WsSettings

OF_THE_ENVIRONMENT: Final = frozenset({"CDB_CACHE_DIR", "CDB_COMPOSE", "CDB_PROMETHEUS", "CDB_STACK", "CDB_STATE_DIR"})
"""What a command, `make up` or a test works on: read from the environment, never from .env."""
OF_A_REPLAY: Final = frozenset(
    {"CDB_CLOCK", "CDB_LOCKSTEP", "CDB_REPLAY_FILE", "CDB_REPLAY_READING", "CDB_REPLAY_SPEED"}
)
"""What `cdb replay` tells its services."""
OF_THE_STACK: Final = frozenset(
    {
        *("CDB_HTTP_HOST", "CDB_LOG_FORMAT", "CDB_SECRETS_DIR", "CDB_STACK_ID"),
        *("CDB_CONSOLE_HOST", "CDB_RISK_HOST", "POSTGRES_HOST", "REDIS_HOST"),
        *("CDB_CONSOLE_ALERTMANAGER", "CDB_CONSOLE_DATA", "CDB_CONSOLE_GRAFANA_PORT", "CDB_CONSOLE_JAEGER"),
        *("CDB_CONSOLE_LOGS", "CDB_CONSOLE_ON_LOOPBACK", "CDB_CONSOLE_PROMETHEUS", "CDB_CONSOLE_RISK"),
        *("CDB_COLLECTOR_HOST", "CDB_JAEGER_DATA", "CDB_JAEGER_HOST", "CDB_TRACE_QUEUE_DIR"),
        *("CDB_GRAFANA_DASHBOARDS", "CDB_GRAFANA_JAEGER_URL", "CDB_GRAFANA_PROMETHEUS_URL"),
    }
)
"""What the stack tells its parts, natively and in docker-compose.yml."""
OF_CONTAINERS: Final = frozenset({"CDB_BASE_IMAGE", "CDB_BUILD_NETWORK"})
"""What only docker-compose.yml reads."""

DOCUMENTED: Final = frozenset(
    re.findall(r"^#?([A-Z][A-Z0-9_]*)=", TEMPLATE.read_text(encoding="utf-8"), flags=re.MULTILINE)
)
"""Every line of deploy/env.template, those that are comments too."""
SERVICES: Final[tuple[type[Settings], ...]] = (
    WsSettings,
    CoreSettings,
    RiskSettings,
    ExecutionSettings,
    MigrateSettings,
)
_PLUGINS: Final = {
    "CDB_SOURCE": (sources, "SOURCE", WsSettings.model_fields["source"].default),
    "CDB_STRATEGIES": (strategies, "STRATEGY", ",".join(CoreSettings.model_fields["strategies"].default)),
}
"""What chooses a module with settings of its own: where it is, its attribute, and the default."""


def settings(chosen: Mapping[str, str], root: Path) -> frozenset[str]:
    """Names that may stand in .env. Raises StackError if *chosen* names a source or strategy that does not exist."""
    of_plugins = {name for kind in of_plugins_here(chosen, root) for name in kind.variables()}
    read = {*_of_services(), *of_plugins, *Ports.variables().values()}
    return DOCUMENTED | (read - OF_A_REPLAY - OF_THE_STACK)


def names(chosen: Mapping[str, str], root: Path) -> frozenset[str]:
    """Settings, and all other names that some part of this project reads. Raises StackError as `settings` does."""
    return settings(chosen, root) | OF_THE_ENVIRONMENT | OF_A_REPLAY | OF_THE_STACK


def of_trading(chosen: Mapping[str, str], root: Path) -> frozenset[str]:
    """Settings that the services read, with the source and the strategies that *chosen* names. Raises StackError."""
    of_plugins = {name for kind in of_plugins_chosen(chosen, root) for name in kind.variables()}
    return frozenset(_of_services() | of_plugins) - OF_A_REPLAY - OF_THE_STACK


def of_plugins_here(chosen: Mapping[str, str], root: Path) -> Iterator[type[Settings]]:
    """Settings of our sources and strategies, and of those that *chosen* names. Raises StackError."""
    for variable, (package, _, _) in _PLUGINS.items():
        for name in (module.name for module in iter_modules(package.__path__) if module.name != "port"):
            yield _plugin(variable, name, root, chosen)
    yield from of_plugins_chosen(chosen, root)


def of_plugins_chosen(chosen: Mapping[str, str], root: Path) -> Iterator[type[Settings]]:
    """Settings of the source and the strategies that *chosen* names. Raises StackError."""
    for variable, (_, _, default) in _PLUGINS.items():
        for name in (chosen.get(variable, "").strip() or default).split(","):
            if name.strip():
                yield _plugin(variable, name.strip(), root, chosen)


def _of_services() -> set[str]:
    return {name for kind in SERVICES for name in kind.variables()}


def _plugin(variable: str, name: str, root: Path, chosen: Mapping[str, str]) -> type[Settings]:
    package, attribute, _ = _PLUGINS[variable]
    path = chosen.get("CDB_PLUGIN_PATH", "").strip()
    try:
        with _importable(root):
            kind: type[Settings] = plugins.find(package, name, attribute, path=path).settings
            return kind
    except (plugins.UnknownPlugin, AttributeError) as error:
        raise StackError(f"{variable}={name!r:.80} is refused: {error}") from error


@contextmanager
def _importable(root: Path) -> Iterator[None]:
    """Find modules where the services find them, which are started in *root*."""
    before = list(sys.path)
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path[:] = before
