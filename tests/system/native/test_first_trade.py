"""A bot whose collector, Prometheus, Alertmanager and Jaeger are not built yet: it trades, and each joins."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from cdb.running.native import Ports
from cdb.running.native.tools import ALERTMANAGER, COLLECTOR, JAEGER, PROMETHEUS
from services.topology import NAMES
from tests.support.checkout import Checkout, copy_checkout
from tests.support.programs import required
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

PROGRAMS: Final = (COLLECTOR, PROMETHEUS, ALERTMANAGER, JAEGER)
WATCHING: Final = ("otel_collector", "prometheus", "alertmanager", "jaeger")
GO: Final = """#!/bin/sh
if [ "$1" = env ]; then [ "$2" != GOVERSION ] || echo go1.26.0; exit; fi
if [ -n "$GO_IS_SLOW" ]; then echo one/package; exec sleep 1234567; fi
echo "no answer from the module proxy" >&2
exit 1
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Hand out a checkout in which nothing is built; its compiler cannot build anything."""
    for program in PROGRAMS:
        required(program.there)
    folder = tmp_path_factory.mktemp("first-trade")
    root = folder / "checkout"
    copy_checkout(root, programs=())
    go = folder / "bin" / "go"
    go.parent.mkdir()
    go.write_text(GO)
    go.chmod(0o755)
    shell = {"PATH": f"{go.parent}:{os.environ['PATH']}", "HOME": os.environ["HOME"]}
    found = Checkout(root, folder / "state", {**shell, "CDB_STATE_DIR": str(folder / "state")})
    ports = Ports.free()  # nobody else takes them as long as this is there
    assert found.cdb("env").returncode == 0
    with (root / ".env").open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in {**ports.environment(), "SIMULATOR_PACE": "10"}.items())
    yield found
    found.cdb("clean", "--yes")


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a cache of programs in which there is nothing."""
    return {"CDB_CACHE_DIR": str(tmp_path_factory.mktemp("cache"))}


def pids(checkout: Checkout) -> dict[str, int | None]:
    return {name: checkout.stack.pid_of(name) for name in NAMES}


def decisions(checkout: Checkout) -> int:
    log: Path = checkout.stack.config.layout.log("cdb_risk")
    return log.read_text().count('"event": "decided"')


def problems(checkout: Checkout) -> dict[str, str]:
    """The parts that are not healthy, and why."""
    return {part["name"]: part["detail"] for part in checkout.json("status")["parts"] if not part["healthy"]}


def test_ctrl_c_ends_the_build_and_leaves_the_bot_trading(checkout: Checkout, nothing: dict[str, str]) -> None:
    up = checkout.start("up", GO_IS_SLOW="yes", **nothing)
    log = checkout.state / "logs" / "build-otelcol.log"
    until(lambda: log.exists() and re.search(r"building the collector: \d+ s of about", log.read_text()), within_s=90)
    compiler = [process for process in psutil.process_iter(["cmdline"]) if "1234567" in (process.info["cmdline"] or [])]
    assert compiler
    up.send_signal(signal.SIGINT)
    said, _ = up.communicate(timeout=60)
    assert up.returncode == 130, said
    assert (
        "the bot runs on without the collector, Prometheus, Alertmanager and Jaeger; the next `make up` goes on" in said
    )
    until(lambda: [one for one in compiler if one.is_running()], holds=lambda left: not left, what="the compiler's end")
    before = decisions(checkout)
    until(lambda: decisions(checkout), holds=lambda now: now > before, within_s=60, what="decisions after Ctrl-C")
    assert {*problems(checkout)} == {*WATCHING}


def test_a_build_that_fails_says_what_is_missing_and_leaves_the_bot_trading(
    checkout: Checkout, nothing: dict[str, str]
) -> None:
    before, counted = pids(checkout), decisions(checkout)
    up = checkout.cdb("up", **nothing)
    assert up.returncode == 1, up.stdout
    assert " s of about " not in up.stderr
    assert up.stderr.count("no answer from the module proxy") == len(PROGRAMS)
    for program in PROGRAMS:
        assert f"the bot runs without {program.title}; all of its build is in " in up.stderr
    assert pids(checkout) == before
    until(lambda: decisions(checkout), holds=lambda now: now > counted, within_s=60, what="decisions after the failure")


def test_a_part_that_is_asked_for_alone_is_built_alone(checkout: Checkout, nothing: dict[str, str]) -> None:
    up = checkout.cdb("up", "--part", "jaeger", **nothing)
    assert up.returncode == 1, up.stdout
    assert [line for line in up.stderr.splitlines() if line.startswith("cdb: ")] == [
        f"cdb: the bot runs without Jaeger; all of its build is in {checkout.state}/logs/build-jaeger.log"
    ]


def test_what_asks_for_a_program_that_is_not_there_says_so_and_does_not_fail(checkout: Checkout) -> None:
    said = {
        part: f"{program.title} is not built yet: `make up` or `make test` builds it"
        for part, program in zip(WATCHING, PROGRAMS, strict=True)
    }
    assert problems(checkout) == said
    states = {part["name"]: part["state"] for part in checkout.json("status")["parts"]}
    assert {states[part] for part in WATCHING} == {"stopped"}, "nobody tries to start what is not there"
    asked = checkout.cdb("trace", "slow")
    assert (asked.returncode, asked.stderr) == (3, f"cdb: {said['jaeger']}\n")
    items = checkout.json("doctor")["items"]
    assert [item for item in items if item["verdict"] == "fail"] == []
    warned = {item["found"] for item in items if item["verdict"] == "warn"}
    assert {said["prometheus"], said["jaeger"]} <= warned


def test_each_joins_when_it_is_built_and_nothing_else_is_started_anew(checkout: Checkout) -> None:
    before = pids(checkout)
    up = checkout.cdb("up")  # with this user's cache, where all are
    assert up.returncode == 0, up.stdout + up.stderr
    for part in WATCHING:
        assert re.search(rf"^{part} +ready", up.stdout, re.MULTILINE), up.stdout
    assert problems(checkout) == {}
    assert pids(checkout) == before
