"""One list of the settings that exist. What is not in it has no effect anywhere, so whoever reads settings compares.

Settings are what an operator writes into .env. The other names are no settings of .env: they choose what a command works
on, or are what the stack tells its own programs.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
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

OF_THE_ENVIRONMENT: Final = frozenset({"CDB_CACHE_DIR", "CDB_STACK", "CDB_STATE_DIR"})
"""What a command or `make up` works on: read from the environment, never from .env."""
OF_A_REPLAY: Final = frozenset({"CDB_CLOCK", "CDB_LOCKSTEP", "CDB_REPLAY_FILE", "CDB_REPLAY_SPEED"})
"""What `cdb replay` tells its services."""
OF_THE_STACK: Final = frozenset(
    {
        *("CDB_HTTP_HOST", "CDB_LOG_FORMAT", "CDB_SECRETS_DIR", "CDB_STACK_ID", "POSTGRES_HOST", "REDIS_HOST"),
        *("CDB_ALERT_RECEIVER_DATA", "CDB_COLLECTOR_HOST", "CDB_JAEGER_DATA", "CDB_JAEGER_HOST", "CDB_TRACE_QUEUE_DIR"),
        *("CDB_GRAFANA_DASHBOARDS", "CDB_GRAFANA_JAEGER_URL", "CDB_GRAFANA_PROMETHEUS_URL"),
    }
)
"""What the stack tells its parts, natively and in docker-compose.yml."""

DOCUMENTED: Final = frozenset(
    re.findall(r"^#?([A-Z][A-Z0-9_]*)=", TEMPLATE.read_text(encoding="utf-8"), flags=re.MULTILINE)
)
"""Every line of deploy/env.template, those that are comments too."""
_SERVICES: Final[tuple[type[Settings], ...]] = (
    WsSettings,
    CoreSettings,
    RiskSettings,
    ExecutionSettings,
    MigrateSettings,
)
_PLUGINS: Final = {"CDB_SOURCE": (sources, "SOURCE"), "CDB_STRATEGIES": (strategies, "STRATEGY")}


def settings(chosen: Mapping[str, str], root: Path) -> frozenset[str]:
    """What may stand in .env, if it chooses source and strategies as *chosen* does. Raises StackError naming a wrong choice."""
    of_services = {name for kind in _SERVICES for name in kind.variables()}
    of_plugins = {name for kind in plugin_settings(chosen, root) for name in kind.variables()}
    return DOCUMENTED | {*Ports.variables().values()} | ((of_services | of_plugins) - OF_A_REPLAY - OF_THE_STACK)


def names(chosen: Mapping[str, str], root: Path) -> frozenset[str]:
    """Settings and all other names that some part of this project reads. Raises StackError naming a wrong choice."""
    return settings(chosen, root) | OF_THE_ENVIRONMENT | OF_A_REPLAY | OF_THE_STACK


def plugin_settings(chosen: Mapping[str, str], root: Path) -> Iterator[type[Settings]]:
    """Settings of every source and strategy of ours, and of those that *chosen* names. Raises StackError."""
    for variable, (package, attribute) in _PLUGINS.items():
        ours = {module.name for module in iter_modules(package.__path__) if module.name != "port"}
        named = {name.strip() for name in chosen.get(variable, "").split(",")} - {""}
        for name in sorted(ours | named):
            yield _plugin(variable, name, package, attribute, root)


def _plugin(variable: str, name: str, package: ModuleType, attribute: str, root: Path) -> type[Settings]:
    try:
        with _importable(root):
            kind: type[Settings] = plugins.find(package, name, attribute).settings
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
