"""`cdb backup` and `cdb restore` of the stack in containers, which trades meanwhile.

It leaves the stack well. What is not asked here is the same with and without containers
(tests/integration/cdb/backup/test_backup.py).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from cdb.backup import archive
from services.topology import FILLS, MARKET_DATA, ORDERS, SIGNALS
from tests.support.backups import drawn_before, half_of_the_ledger
from tests.support.bot import SERVICES
from tests.support.paths import ROOT
from tests.support.waiting import until
from tests.system.containers.running import Containers, docker

STREAMS: Final = (MARKET_DATA, SIGNALS, ORDERS, FILLS)
PLACES: Final = {"cdb_prometheus": "/prometheus", "cdb_console": "/data"}
SCRAPED: Final = "max(timestamp(up))"
NEWEST: Final = "SELECT fill_id FROM fills ORDER BY fill_seq DESC LIMIT 1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archives")


@pytest.fixture(scope="module")
def saved(stack: Containers, folder: Path) -> Path:
    """An archive of the stack, of which Prometheus knows a minute and the receiver a notification."""
    stack.wait_well()
    stack.wait_deciding()
    tell(stack, "BeforeTheBackup")
    until(
        lambda: drawn(stack, time.time()),
        holds=all,
        within_s=120,
        what="a minute in Prometheus",
        every_s=1,
    )
    result = cdb(folder, "backup", str(folder), "--json")
    assert result.returncode == 0, result.stderr
    return Path(json.loads(result.stdout)["file"])


def cdb(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run cdb on the machine, with none of the stack's settings but what finds the engine."""
    finds = {name: value for name, value in os.environ.items() if name == "HOME" or name.startswith("DOCKER_")}
    return subprocess.run(
        [sys.executable, "-m", "cdb", *arguments],
        cwd=ROOT,
        env={
            **finds,
            "PATH": os.environ["PATH"],
            "CDB_STACK": "compose",
            "CDB_STATE_DIR": str(folder / "state"),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def refused(folder: Path, *arguments: str, code: int = 1, **environment: str) -> str:
    """The one line with which a command refuses."""
    result = cdb(folder, *arguments, **environment)
    lines = [line for line in result.stderr.splitlines() if line.startswith("cdb: ")]
    assert (result.returncode, result.stdout, len(lines)) == (code, "", 1), result
    assert "Traceback" not in result.stderr
    return lines[0]


def test_a_backup_brings_back_ledger_metrics_and_notifications(stack: Containers, folder: Path, saved: Path) -> None:
    """What the dashboards showed before is shown after; what came after the backup is gone from the ledger."""
    with archive.opened(saved) as found:
        manifest = found.manifest
    begin = datetime.fromisoformat(manifest.made_at).timestamp() - 10
    before = until(lambda: drawn(stack, begin), holds=all, within_s=60, what="Prometheus after the backup")
    modes = owners()
    until(lambda: stack.value(SCRAPED), holds=lambda at: (at or 0) > saved.stat().st_mtime, what="a scrape since")
    until(lambda: stack.count("fills"), holds=lambda now: now > manifest.ledger_rows["fills"], what="a fill since")
    newest = stack.ledger(NEWEST)
    later = f"Later{time.time_ns()}"
    tell(stack, later)
    assert "add --yes" in refused(folder, "restore", str(saved))
    assert stack.count("fills", f"fill_id = '{newest}'") == 1
    restoring = time.time()

    restored = cdb(folder, "restore", str(saved), "--yes")

    assert restored.returncode == 0, restored.stderr
    assert stack.unwell() == {}
    assert drawn(stack, begin) == before
    assert (stack.value(SCRAPED, restoring) or 0) < saved.stat().st_mtime, "what came after the backup is there, too"
    assert stack.notifications("BeforeTheBackup")
    assert not stack.notifications(later)
    assert stack.count("fills", f"fill_id = '{newest}'") == 0
    assert owners() == modes
    stack.wait_deciding()
    oldest = {name: first for name in STREAMS if (first := began(stack, name))}
    assert MARKET_DATA in oldest
    assert {name: first for name, first in oldest.items() if first < restoring} == {}
    stack.audit()


def test_what_fails_leaves_the_ledger_as_it_was_and_the_services_as_they_ran(
    stack: Containers, folder: Path, saved: Path, tmp_path: Path
) -> None:
    """Its digest is right, but the dump has no end, which is found after its beginning. Who was stopped stays so."""
    stack.wait_well()
    broken = half_of_the_ledger(saved, tmp_path)
    docker("stop", "cdb_ws")
    try:
        decisions = stack.count("decisions")
        line = refused(folder, "restore", str(broken), "--yes")
        assert line.startswith("cdb: pg_restore: error: ")
        assert stack.count("decisions") >= decisions > 0
        assert {name: stack.state(name).status for name in SERVICES} == {
            **dict.fromkeys(SERVICES, "running"),
            "cdb_ws": "exited",
        }
    finally:
        docker("start", "cdb_ws")
        stack.wait_well()


def test_nothing_is_left_over(folder: Path, saved: Path) -> None:
    for container, volume in {
        "cdb_prometheus": "cdb_prom_data",
        "cdb_console": "cdb_console_data",
    }.items():
        users = docker("ps", "--all", "--filter", f"volume={volume}", "--format", "{{.Names}}")
        assert users.split() == [container]
        assert ".cdb-" not in docker("exec", container, "ls", "-a", PLACES[container])
    assert {*folder.iterdir()} == {saved, folder / "state"}
    assert [one.name for one in (folder / "state").iterdir()] == ["containers.lock"]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DOCKER_HOST": "unix:///nonexistent/docker.sock"}, "Cannot connect to the Docker daemon"),
        ({"COMPOSE_PROJECT_NAME": "nobody"}, "the Docker stack is not running: `docker compose up -d` starts it"),
    ],
)
def test_without_engine_or_stack_one_line_says_so(folder: Path, environment: Mapping[str, str], said: str) -> None:
    assert said in refused(folder, "backup", str(folder), code=3, **environment)


def tell(stack: Containers, alertname: str) -> None:
    """Post a notification to the receiver as Alertmanager does."""
    now = datetime.now(UTC).isoformat()
    alert = {"status": "firing", "labels": {"alertname": alertname, "severity": "info"}, "annotations": {}}
    times = {"startsAt": now, "endsAt": "0001-01-01T00:00:00Z", "fingerprint": alertname}
    body = json.dumps({"version": "4", "receiver": "info", "alerts": [{**alert, **times}]}).encode()
    until(
        lambda: stack.ask("cdb_console", "/webhook", post=body, **{"Content-Type": "application/json"})[0],
        holds=lambda status: status == 200,
        what="the receiver takes a notification",
    )


def drawn(stack: Containers, at: float) -> list[Any]:
    return drawn_before(at, stack.prometheus)


def began(stack: Containers, stream: str) -> float:
    """When the oldest message of *stream* was sent, in Unix seconds; 0 if there is none."""
    found = "".join(stack.bus("XRANGE", stream, "-", "+", "COUNT", "1")[:1])  # an empty line if there is none
    return int(found.split("-")[0]) / 1000 if found else 0.0


def owners() -> str:
    """Owner and mode of the saved places and of what is in them for ever."""
    kept = {"cdb_prometheus": ("", "/wal", "/chunks_head"), "cdb_console": ("", "/notifications.sqlite")}
    return "".join(
        docker("exec", container, "stat", "-c", "%n %u %g %a", *(PLACES[container] + name for name in names))
        for container, names in kept.items()
    )
