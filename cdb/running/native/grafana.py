"""The stack's own Grafana, where it is installed: Debian has no package of it, so nobody needs it."""

import os
import shutil
from pathlib import Path

from cdb.kit.paths import DASHBOARDS
from cdb.running.errors import StackError
from cdb.running.native.config import StackConfig
from cdb.running.native.files import ini, write_private
from cdb.running.native.ports import HOST

MISSING = "Grafana is not installed"
HOME_DASHBOARD = "cdb-trading-overview.json"
_SBIN = "/usr/sbin"  # where its package puts the program, and what ordinary users do not have in their PATH


def installed() -> bool:
    """Whether this machine has Grafana."""
    return _program() is not None


def command(config: StackConfig) -> tuple[str, ...]:
    """Command line; all else, the password too, is in files. Raises StackError without Grafana."""
    found = _program()
    if found is None:
        raise StackError(MISSING)
    server = (found, "server") if Path(found).name == "grafana" else (found,)
    return (*server, f"--homepath={_home(found)}", f"--config={config.layout.grafana_conf / 'grafana.ini'}")


def environment(config: StackConfig) -> dict[str, str]:
    """Addresses of this machine, which the provisioning files leave open."""
    return {
        "CDB_GRAFANA_PROMETHEUS_URL": f"http://{HOST}:{config.ports.prometheus}",
        "CDB_GRAFANA_JAEGER_URL": f"http://{HOST}:{config.ports.jaeger}",
        "CDB_GRAFANA_DASHBOARDS": str(config.root / DASHBOARDS),
    }


def prepare(config: StackConfig) -> None:
    """Write the configuration and, beside it, the password of the user admin."""
    place = config.layout.grafana_conf
    place.mkdir(mode=0o700, exist_ok=True)
    password = place / "password"
    write_private(password, config.environment["GRAFANA_PASSWORD"])
    write_private(place / "grafana.ini", _settings(config, password))


def _settings(config: StackConfig, password: Path) -> str:
    data = config.layout.data_of("grafana")
    outside = ("reporting_enabled", "check_for_updates", "check_for_plugin_updates")
    return ini(
        {
            "paths": {
                "data": data,
                "logs": config.layout.logs,
                "plugins": data / "plugins",
                "provisioning": config.root / "monitoring" / "grafana" / "provisioning",
            },
            "server": {"http_addr": HOST, "http_port": config.ports.grafana},
            "security": {"admin_user": "admin", "admin_password": f"$__file{{{password}}}"},
            "dashboards": {"default_home_dashboard_path": config.root / DASHBOARDS / HOME_DASHBOARD},
            # It asks nobody outside for anything.
            "analytics": dict.fromkeys(outside, "false"),
            "news": {"news_feed_enabled": "false"},
            "plugins": {"preinstall_disabled": "true"},
            "log": {"mode": "console", "level": "warn"},
        }
    )


def _program() -> str | None:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), _SBIN))
    return shutil.which("grafana", path=path) or shutil.which("grafana-server", path=path)


def _home(program: str) -> Path:
    """Directory of Grafana's own files: where its package has it, or around an unpacked archive."""
    candidates = (Path("/usr/share/grafana"), Path(program).resolve().parent.parent)
    for candidate in candidates:
        if (candidate / "conf" / "defaults.ini").exists():
            return candidate
    raise StackError(f"{program} exists, but its files are missing: no conf/ in {', '.join(map(str, candidates))}")
