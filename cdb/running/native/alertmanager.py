"""The stack's own Alertmanager: the configuration that containers have, with addresses of this machine.

Slack and e-mail join the receivers that are theirs where the settings have their secrets, which go into files that the
configuration names.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from cdb.running.errors import StackError
from cdb.running.native.config import StackConfig
from cdb.running.native.files import write_private
from cdb.running.native.ports import HOST
from cdb.running.native.tools import debian_program

FILE: Final = "alertmanager.yml"
SLACK_URL: Final = "CDB_SLACK_WEBHOOK_URL"
SMARTHOST: Final = "CDB_SMTP_SMARTHOST"
SMTP_PASSWORD: Final = "CDB_SMTP_PASSWORD"  # noqa: S105  a variable's name
SLACK_RECEIVERS: Final = ("critical", "warning")
EMAIL_RECEIVERS: Final = ("critical",)
RETENTION: Final = "120h"  # longer than repeat_interval, or a repeat would be taken for the first


def command(config: StackConfig) -> tuple[str, ...]:
    """Return the server's command line."""
    return (
        debian_program("prometheus-alertmanager", package="prometheus-alertmanager"),
        f"--config.file={config.layout.alertmanager_conf / FILE}",
        f"--storage.path={config.layout.data_of('alertmanager')}",
        f"--data.retention={RETENTION}",
        f"--web.listen-address={HOST}:{config.ports.alertmanager}",
        f"--web.external-url=http://localhost:{config.ports.alertmanager}",
        "--cluster.listen-address=",  # it is alone; the default would listen on every address
        "--log.level=warn",
    )


def prepare(config: StackConfig) -> None:
    """Put configuration, templates and secrets where the server reads them; raise StackError on a wrong setting."""
    source, place = config.root / "monitoring" / "alertmanager", config.layout.alertmanager_conf
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    shutil.copytree(source / "templates", place / "templates")
    webhook = f"http://{HOST}:{config.ports.alert_receiver}/webhook"
    committed = yaml.safe_load((source / FILE).read_text(encoding="utf-8"))
    write_private(place / FILE, yaml.safe_dump(effective(committed, config.environment, place, webhook=webhook)))
    for name in (SLACK_URL, SMTP_PASSWORD):
        if value := config.environment.get(name):
            write_private(place / name, value)


def effective(
    committed: Mapping[str, Any], settings: Mapping[str, str], secrets: Path, *, webhook: str
) -> dict[str, Any]:
    """Return *committed* with Slack and e-mail as *settings* have them, and the local receiver's address *webhook*.

    Secrets are not in it: it names the files in *secrets* that hold them, each called as its variable is. Raise
    StackError naming a setting that is missing or wrong.
    """
    slack, email = _slack(settings, secrets), _email(settings, secrets)
    receivers = []
    for receiver in committed["receivers"]:
        added = dict(receiver)
        added["webhook_configs"] = [{**hook, "url": webhook} for hook in receiver["webhook_configs"]]
        if slack and receiver["name"] in SLACK_RECEIVERS:
            added["slack_configs"] = [slack]
        if email and receiver["name"] in EMAIL_RECEIVERS:
            added["email_configs"] = [email]
        receivers.append(added)
    return {**committed, "receivers": receivers}


def _slack(settings: Mapping[str, str], secrets: Path) -> dict[str, Any]:
    url = settings.get(SLACK_URL, "")
    if not url:
        return {}
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        raise StackError(f"{SLACK_URL} is no address: it must look like https://host/path, or be empty")
    return {
        "api_url_file": str(secrets / SLACK_URL),
        "send_resolved": True,
        "color": '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}',
        "title": '{{ template "cdb.title" . }}',
        "fallback": '{{ template "cdb.title" . }}',
        "text": '{{ template "cdb.text" . }}',
    }


def _email(settings: Mapping[str, str], secrets: Path) -> dict[str, Any]:
    smarthost = settings.get(SMARTHOST, "")
    if not smarthost:
        return {}
    if not re.fullmatch(r"[^\s:]+:\d{1,5}", smarthost):
        raise StackError(f"{SMARTHOST}={smarthost!r:.80} is no mail server: it must be host:port, such as mail:587")
    for name in ("CDB_SMTP_FROM", "CDB_SMTP_TO"):
        if "@" not in settings.get(name, ""):
            raise StackError(f"{name} has no address of e-mail, which {SMARTHOST} needs: set it, or empty {SMARTHOST}")
    require_tls = settings.get("CDB_SMTP_REQUIRE_TLS") or "1"
    if require_tls not in ("0", "1"):
        raise StackError(f"CDB_SMTP_REQUIRE_TLS={require_tls!r:.80}: 0 or 1 is allowed")
    login = {"auth_username": settings["CDB_SMTP_USER"]} if settings.get("CDB_SMTP_USER") else {}
    if settings.get(SMTP_PASSWORD):
        login["auth_password_file"] = str(secrets / SMTP_PASSWORD)
    return {
        "smarthost": smarthost,
        "from": settings["CDB_SMTP_FROM"],
        "to": settings["CDB_SMTP_TO"],
        **login,
        "require_tls": require_tls == "1",
        "send_resolved": True,
        "headers": {"Subject": '{{ template "cdb.title" . }}'},
        "html": "",
        "text": '{{ template "cdb.text" . }}',
    }
