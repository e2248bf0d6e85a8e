"""A real Alertmanager with the console behind it, and stand-ins for Slack and a mail server on loopback."""

import http.server
import json
import socketserver
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from cdb.running.native import Part, Stack, StackConfig, alertmanager, select
from tests.support.paths import ROOT
from tests.support.programs import require_parts
from tests.support.waiting import until

FAST: Final = {"group_wait": "200ms", "group_interval": "500ms", "repeat_interval": "1s"}
FENCE: Final = {"source_matchers": ['alertname="Fence"'], "target_matchers": ['alertname="BehindTheFence"']}
NAMES: Final = ("alertmanager", "cdb_console")


@dataclass
class Outside:
    """What arrived at Slack (its JSON) and in the mailbox (whole messages)."""

    slack: list[dict[str, Any]] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)


class Alerting:
    """One running pair."""

    def __init__(self, stack: Stack, outside: Outside) -> None:
        self.stack = stack
        self.outside = outside

    @property
    def file(self) -> Path:
        """Return Alertmanager's configuration."""
        return self.stack.config.layout.alertmanager_conf / alertmanager.FILE

    def post(self, *alerts: dict[str, str], ended: bool = False) -> None:
        """Have alerts with these labels fire, or end, as Prometheus would."""
        times = {"endsAt": datetime.now(UTC).isoformat()} if ended else {}
        body = [
            {"labels": labels, "annotations": annotations(labels), "generatorURL": "http://localhost:1/graph", **times}
            for labels in alerts
        ]
        self._ask("alertmanager", "/api/v2/alerts", json.dumps(body).encode())

    def repost(self, alert: dict[str, Any]) -> None:
        """Send *alert* again, as Prometheus does as long as it fires."""
        kept = {name: alert[name] for name in ("labels", "annotations", "startsAt", "generatorURL")}
        self._ask("alertmanager", "/api/v2/alerts", json.dumps([kept]).encode())

    def alerts(self) -> list[dict[str, Any]]:
        """What fires, as Alertmanager has it."""
        found: list[dict[str, Any]] = self._ask("alertmanager", "/api/v2/alerts")
        return found

    def held_back(self) -> dict[str, bool]:
        """Of each alert that fires whether another one inhibits it, by name and service."""
        return {name_of(one["labels"]): bool(one["status"]["inhibitedBy"]) for one in self.alerts()}

    def settled(self) -> dict[str, bool]:
        """The same, once all that was posted before has had its effect: alerts are taken up in their order."""
        self.post({"alertname": "BehindTheFence"})
        self.post({"alertname": "Fence"})
        found = until(self.held_back, holds=lambda seen: seen.get("BehindTheFence", False), what="the fence to hold")
        return {name: held for name, held in found.items() if "Fence" not in name}

    def received(self, **asked: str) -> list[dict[str, Any]]:
        """What the console has kept, newest first."""
        answer = self._ask("cdb_console", f"/api/notifications?{urllib.parse.urlencode({'limit': 1000, **asked})}")
        found: list[dict[str, Any]] = answer["notifications"]
        return found

    def receives(self, labels: dict[str, str], status: str = "firing") -> dict[str, Any]:
        """Wait until the receiver has the notification that the alert with *labels* is in *status*, and return it."""
        found = until(
            lambda: [one for one in self.received(status=status) if one["labels"] == labels],
            what=f"{status} {labels} at the receiver",
        )
        return found[0]

    def reload(self, configuration: dict[str, Any]) -> None:
        """Have Alertmanager take over *configuration*."""
        self.file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        self._ask("alertmanager", "/-/reload", b"")

    def configuration(self) -> dict[str, Any]:
        """Return Alertmanager's configuration as it is on disk."""
        found: dict[str, Any] = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        return found

    def quiet(self) -> None:
        """End everything and wait until nothing fires."""
        if firing := [one["labels"] for one in self.alerts()]:
            self.post(*firing, ended=True)
        until(self.alerts, holds=lambda seen: seen == [], what="no alert at Alertmanager")

    def _ask(self, part: str, path: str, body: bytes | None = None) -> Any:
        url = f"http://127.0.0.1:{self.stack.config.ports.of(part)}{path}"
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310  loopback
            content = reply.read()
        return json.loads(content) if content else None


def name_of(labels: dict[str, str]) -> str:
    """How tests call an alert: its name, with its service if it has one."""
    return " ".join(labels[name] for name in ("alertname", "service") if name in labels)


def annotations(labels: dict[str, str]) -> dict[str, str]:
    """What the rules would add."""
    name = labels["alertname"]
    return {
        "summary": f"{name} in short",
        "description": f"{name} at length, 7.25 %.",
        "runbook_url": f"monitoring/runbooks/{name}.md",
        "dashboard_url": "http://localhost:8010/d/cdb-system-health",
    }


@contextmanager
def running_alerting(state: Path) -> Iterator[Alerting]:
    """Run the pair on free ports, quicker than people want it, with Slack and e-mail switched on."""
    with outside_world() as (outside, slack_port, mail_port):
        settings = {
            "CDB_SLACK_WEBHOOK_URL": f"http://127.0.0.1:{slack_port}/hook",
            "CDB_SMTP_SMARTHOST": f"127.0.0.1:{mail_port}",
            "CDB_SMTP_FROM": "bot@example.com",
            "CDB_SMTP_TO": "operator@example.com",
            "CDB_SMTP_REQUIRE_TLS": "0",
        }
        parts = tuple(_quicker(part) for part in select(NAMES))
        stack = Stack(StackConfig.isolated(ROOT, state, parts=parts, environment=settings))
        with started(stack, outside) as alerting:
            yield alerting


@contextmanager
def started(stack: Stack, outside: Outside) -> Iterator[Alerting]:
    """Run *stack*, whose notifications arrive at *outside*, and remove it."""
    require_parts(stack.config)
    try:
        with stack:
            yield Alerting(stack, outside)
    finally:
        stack.remove()


def _quicker(part: Part) -> Part:
    def prepare(config: StackConfig) -> None:
        alertmanager.prepare(config)
        file = config.layout.alertmanager_conf / alertmanager.FILE
        configuration = yaml.safe_load(file.read_text(encoding="utf-8"))
        configuration["route"] |= FAST
        configuration["inhibit_rules"].append(FENCE)
        file.write_text(yaml.safe_dump(configuration), encoding="utf-8")

    return replace(part, prepare=prepare) if part.name == "alertmanager" else part


@contextmanager
def outside_world() -> Iterator[tuple[Outside, int, int]]:
    """Listen in the places of Slack and of a mail server; yield what arrives, and the two ports."""
    outside = Outside()

    class Slack(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            outside.slack.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    class Mail(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            while line := self.rfile.readline().strip().upper():
                if line.startswith(b"DATA"):
                    self._say("354 go on")
                    outside.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                self._say("221 bye" if line.startswith(b"QUIT") else "250 ok")

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    slack = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slack)
    mail = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)
    servers = (slack, mail)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield outside, slack.socket.getsockname()[1], mail.socket.getsockname()[1]
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join(5)
