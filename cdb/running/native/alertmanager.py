"""The stack's own Alertmanager: the configuration that containers have, with addresses of this machine."""

import shutil
from typing import Final

import yaml

from cdb.running import configuration
from cdb.running.native.config import StackConfig
from cdb.running.native.files import write_private
from cdb.running.native.ports import HOST
from cdb.running.native.tools import ALERTMANAGER, built_or_debians

FILE: Final = "alertmanager.yml"
RETENTION: Final = "120h"  # longer than repeat_interval, or a repeat would be taken for the first


def command(config: StackConfig) -> tuple[str, ...]:
    """Command line; raises StackError if Debian's is chosen and missing."""
    return (
        built_or_debians(ALERTMANAGER, package="prometheus-alertmanager"),
        f"--config.file={config.layout.alertmanager_conf / FILE}",
        f"--storage.path={config.layout.data_of('alertmanager')}",
        f"--data.retention={RETENTION}",
        f"--web.listen-address={HOST}:{config.ports.alertmanager}",
        f"--web.external-url=http://localhost:{config.ports.alertmanager}",
        "--cluster.listen-address=",  # it is alone; the default would listen on every address
        "--log.level=warn",
    )


def prepare(config: StackConfig) -> None:
    """Put configuration, templates and secrets where the server reads them; raises StackError on a wrong setting."""
    source, place = config.root / "monitoring" / "alertmanager", config.layout.alertmanager_conf
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    shutil.copytree(source / "templates", place / "templates")
    webhook = f"http://{HOST}:{config.ports.cdb_console}/webhook"
    committed = yaml.safe_load((source / FILE).read_text(encoding="utf-8"))
    write_private(
        place / FILE, yaml.safe_dump(configuration.alertmanager(committed, config.environment, place, webhook=webhook))
    )
    for name in (configuration.SLACK_URL, configuration.SMTP_PASSWORD):
        if value := config.environment.get(name):
            write_private(place / name, value)
