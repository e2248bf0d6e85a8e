"""What Alertmanager and Redis are configured with in both ways to run; handed to containers by deploy/containers.

Slack and e-mail join the receivers that are theirs where the settings have their secrets, which go into files that the
configuration names.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cdb.running.errors import StackError
from services.settings import READER

MONITORING_USER: Final = "monitoring"
"""Account of the exporters, on Redis and on PostgreSQL."""
SLACK_URL: Final = "CDB_SLACK_WEBHOOK_URL"
SMARTHOST: Final = "CDB_SMTP_SMARTHOST"
SMTP_PASSWORD: Final = "CDB_SMTP_PASSWORD"  # noqa: S105  a variable's name
SLACK_RECEIVERS: Final = ("critical", "warning")
EMAIL_RECEIVERS: Final = ("critical",)


def alertmanager(
    committed: Mapping[str, Any], settings: Mapping[str, str], secrets: Path, *, webhook: str
) -> dict[str, Any]:
    """Add Slack and e-mail, as *settings* have them, to *committed*, and the local receiver's address *webhook*.

    Secrets are not in it: it names the files in *secrets* that hold them, each called as its variable is. Raises
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
        raise StackError(f"{SLACK_URL} is not a URL: it must look like https://host/path, or be empty")
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
        raise StackError(f"{SMARTHOST}={smarthost!r:.80} is not a mail server: it must be host:port, such as mail:587")
    for name in ("CDB_SMTP_FROM", "CDB_SMTP_TO"):
        if "@" not in settings.get(name, ""):
            raise StackError(
                f"{name} has no e-mail address, but {SMARTHOST} is set: set {name}, or leave {SMARTHOST} empty"
            )
    require_tls = settings.get("CDB_SMTP_REQUIRE_TLS") or "1"
    if require_tls not in ("0", "1"):
        raise StackError(f"CDB_SMTP_REQUIRE_TLS={require_tls!r:.80} is invalid: it must be 0 or 1")
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


def redis_accounts(settings: Mapping[str, str]) -> tuple[str, str]:
    """Redis accounts, as Redis' configuration has them.

    That of the exporter may read figures, but no key and no setting (one of these is the password); that of readers
    may read all keys, and change none.
    """
    return (
        _account(
            MONITORING_USER,
            settings["CDB_MONITORING_PASSWORD"],
            "-@all +ping +info +latency|latest +slowlog|len +slowlog|get +client|setname",
        ),
        _account(READER, settings["CDB_READER_PASSWORD"], "~* -@all +@read +ping +info +client|setname"),
    )


def _account(user: str, password: str, rights: str) -> str:
    return f"user {user} on #{hashlib.sha256(password.encode()).hexdigest()} {rights}"


def redis_exporter_passwords(address: str, password: str) -> str:
    """Password file of the Redis exporter, for the server at *address* (host:port).

    Older versions of the exporter (seen: 1.54) look for the address alone, newer ones (seen: 1.69) for the account's
    name with it.
    """
    return json.dumps({f"redis://{address}": password, f"redis://{MONITORING_USER}@{address}": password})
