"""An alert that was told, then a restart of everything: its end is told, and so is the next one like it.

A real Prometheus, ten times as fast, with the committed rules; the collector that CollectorDown is about is a program
of the test.
"""

import http.server
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cdb.running.native import Stack, StackConfig, select
from monitoring.notifications.ends import NOTE
from tests.integration.monitoring.alertmanager import Alerting, outside_world, started
from tests.support.fast_copy import make_fast_copy
from tests.support.waiting import until

pytestmark = pytest.mark.integration

NAMES: Final = ("prometheus", "alertmanager", "cdb_console")
DOWN: Final = "CollectorDown"
PATIENCE_S: Final = 120.0


@contextmanager
def answering(*ports: int) -> Iterator[None]:
    """Answer a scrape on each port with nothing."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ExitStack() as opened:
        for port in ports:
            server = opened.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", port), Empty))
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            opened.callback(server.shutdown)
        yield


@pytest.fixture
def alerting(tmp_path: Path) -> Iterator[Alerting]:
    with outside_world() as (outside, slack_port, _):
        settings = {"CDB_SLACK_WEBHOOK_URL": f"http://127.0.0.1:{slack_port}/hook"}
        root, parts = make_fast_copy(tmp_path / "project"), select(NAMES)
        wait_longer(root / "monitoring" / "prometheus" / "rules" / "alerts.yml")
        stack = Stack(StackConfig.isolated(root, tmp_path / "state", parts=parts, environment=settings))
        with started(stack, outside) as alerting:
            yield alerting


def wait_longer(rules: Path) -> None:
    """Let the alert fire later: until its first scrape a new Prometheus still sees the old sample."""
    content = yaml.safe_load(rules.read_text(encoding="utf-8"))
    (rule,) = [rule for group in content["groups"] for rule in group["rules"] if rule.get("alert") == DOWN]
    rule["for"] = "15s"
    rules.write_text(yaml.safe_dump(content), encoding="utf-8")


def told(alerting: Alerting, status: str) -> list[dict[str, Any]]:
    """What the receiver has of the alert in this state, newest first."""
    return alerting.received(status=status, alertname=DOWN)


def at_slack(alerting: Alerting, status: str) -> list[str]:
    texts = [one["text"] for message in alerting.outside.slack for one in message["attachments"]]
    return [text for text in texts if text.startswith(f"{status}: The OpenTelemetry Collector is down")]


def test_after_a_restart_of_everything_the_end_of_an_alert_is_told_and_the_next_one_too(alerting: Alerting) -> None:
    """A restart of Alertmanager alone repeats nothing."""
    until(lambda: told(alerting, "firing"), within_s=PATIENCE_S, what=f"{DOWN} at the receiver")
    until(lambda: at_slack(alerting, "FIRING"), what=f"{DOWN} at Slack")
    (fires,) = [one for one in alerting.alerts() if one["labels"]["alertname"] == DOWN]

    alerting.stack.stop_part("alertmanager")
    alerting.stack.start_part("alertmanager")
    assert alerting.stack.wait_ready(60) is None
    alerting.repost(fires)
    until(lambda: [one for one in alerting.alerts() if one["labels"] == fires["labels"]], what="the alert again")

    ports = alerting.stack.config.ports
    alerting.stack.stop()
    with answering(ports.exposition, ports.collector_telemetry):
        alerting.stack.start()
        assert alerting.stack.wait_ready(60) is None
        assert len(told(alerting, "firing")) == len(at_slack(alerting, "FIRING")) == 1
        assert not told(alerting, "resolved")
        assert not at_slack(alerting, "RESOLVED")
        ended = until(lambda: told(alerting, "resolved"), within_s=PATIENCE_S, what="its end at the receiver")
        assert ended[0]["annotations"]["description"] == NOTE
        assert ended[0]["starts_at"] == told(alerting, "firing")[0]["starts_at"]
        assert NOTE in until(lambda: at_slack(alerting, "RESOLVED"), within_s=PATIENCE_S, what="its end at Slack")[0]

    until(lambda: len(told(alerting, "firing")), holds=lambda now: now == 2, within_s=PATIENCE_S, what="the next one")
    until(lambda: len(at_slack(alerting, "FIRING")), holds=lambda now: now == 2, within_s=PATIENCE_S, what="at Slack")
    assert told(alerting, "firing")[0]["starts_at"] > told(alerting, "firing")[1]["starts_at"]
