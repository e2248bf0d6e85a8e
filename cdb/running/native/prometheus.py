"""The stack's own Prometheus: the configuration that containers have, with addresses of this machine."""

import shutil
from typing import Any

import yaml

from cdb.running.errors import StackError
from cdb.running.native.config import StackConfig
from cdb.running.native.files import write_private
from cdb.running.native.ports import BY_ADDRESS, HOST, STANDBYS
from cdb.running.native.tools import PROMETHEUS, built_or_debians
from cdb.running.server_settings import PrometheusSettings, for_server


def command(config: StackConfig) -> tuple[str, ...]:
    """Command line; raises StackError if the time to keep metrics is wrong, or Debian's is chosen and missing."""
    return (
        built_or_debians(PROMETHEUS, package="prometheus"),
        f"--config.file={config.layout.prometheus_conf / 'prometheus.yml'}",
        f"--storage.tsdb.path={config.layout.data_of('prometheus')}",
        f"--storage.tsdb.retention.time={_setting(config, 'CDB_PROMETHEUS_RETENTION')}",
        f"--web.listen-address={HOST}:{config.ports.prometheus}",
        f"--web.external-url=http://localhost:{config.ports.prometheus}",  # in notifications; else this machine's name
        f"--web.console.templates={config.root / 'monitoring' / 'runbooks'}",  # /consoles/ServiceDown.md, as plain text
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    )


def prepare(config: StackConfig) -> None:
    """Put the configuration, its rules and targets of this stack where the server reads them."""
    source, place = config.root / "monitoring" / "prometheus", config.layout.prometheus_conf
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source / "rules", place / "rules")
    (place / "targets").mkdir()
    for file in sorted((source / "targets").glob("*.yml")):
        groups = yaml.safe_load(file.read_text(encoding="utf-8"))
        native = [_native(config, address) for group in groups for address in group["targets"]]
        if file.name == "cdb_services.yml":
            running = {part.name for part in config.parts}
            native += [_native(config, address) for name, address in STANDBYS.items() if name in running]
        write_private(place / "targets" / file.name, yaml.safe_dump(native, sort_keys=False))
    settings: dict[str, Any] = yaml.safe_load((source / "prometheus.yml").read_text(encoding="utf-8"))
    if config.environment.get("CDB_SCRAPE_INTERVAL"):
        interval = _setting(config, "CDB_SCRAPE_INTERVAL")
        settings["global"] |= {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval}
    write_private(place / "prometheus.yml", yaml.safe_dump(settings, sort_keys=False))


def _setting(config: StackConfig, name: str) -> str:
    return for_server(PrometheusSettings, config.environment)[name]


def _native(config: StackConfig, address: str) -> dict[str, Any]:
    if address not in BY_ADDRESS:
        raise StackError(f"monitoring/prometheus/targets has {address}, which is not an address of this stack")
    return {"targets": [f"{HOST}:{config.ports[BY_ADDRESS[address]]}"], "labels": {"instance": address}}
