"""The operator's commands in a shell that belongs to everything else: other projects, a proxy, another country.

One stack, started, looked at and asked under all of it at once, from a checkout whose path has a space and an umlaut.
"""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from cdb.kit.prometheus import Prometheus
from cdb.running.native import Kind, Ports, envfile
from cdb.running.native.shell import ACCOUNTS
from cdb.running.native.tools import ALERTMANAGER, COLLECTOR, JAEGER, PROMETHEUS, postgres_bin, redis_server
from services.topology import NAMES
from tests.support.checkout import Checkout, copy_checkout
from tests.support.hostile import FOREIGN, german_locale
from tests.support.paths import DATA
from tests.support.programs import required
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

ROWS: Final = 30
TAPE: Final = DATA / "ethusdt-trades-2023-02-02.csv"
OFTEN: Final = {"CDB_METRIC_EXPORT_INTERVAL_S": "2", "CDB_SCRAPE_INTERVAL": "2s"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    for program in (postgres_bin, redis_server):
        required(program)
    folder = tmp_path_factory.mktemp("foreign")
    root, theirs = folder / "Bot für Zürich", folder / "theirs"
    copy_checkout(root, programs=(COLLECTOR, PROMETHEUS, ALERTMANAGER, JAEGER))
    for name in ("redis", "cdb", "services", "yaml"):
        theirs.mkdir(exist_ok=True)
        (theirs / f"{name}.py").write_text("raise ImportError('the module of another project')\n")
    state = folder / "a-rather-long-name-of-a-directory" / ("state-of-the-bot-" * 4)
    other_account = dict.fromkeys(ACCOUNTS, "theirs")
    system = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    own = {"PYTHONPATH": str(theirs), "TMPDIR": str(theirs), "CDB_STATE_DIR": str(state)}
    shell = {**system, **FOREIGN, **other_account, **german_locale(folder / "locales"), **own}
    found = Checkout(root, state, shell)
    ports = Ports.free()  # nobody else takes them as long as this is there
    assert found.cdb("env").returncode == 0
    with (root / ".env").open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in {**ports.environment(), **OFTEN}.items())
    yield found
    found.cdb("clean", "--yes")


@pytest.mark.parametrize("variable", ["POSTGRES_HOST", "REDIS_HOST"])
def test_another_projects_server_is_refused_by_name_before_anything_starts(checkout: Checkout, variable: str) -> None:
    done = checkout.cdb("up", **{variable: "127.0.0.2"})
    assert done.returncode == 1
    assert f"cdb: {variable} is '127.0.0.2': the native stack has its own" in done.stderr
    assert not checkout.state.exists()


@pytest.fixture(scope="module")
def up(checkout: Checkout) -> Checkout:
    done = checkout.cdb("up")
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


def test_every_part_is_healthy_and_found_from_the_next_shell(up: Checkout) -> None:
    found = up.cdb("status", "--json", TMPDIR=str(up.root), LC_ALL="xx_XX.ISO-8859-1")
    assert json.loads(found.stdout)["healthy"], found.stdout
    assert up.cdb("up", TMPDIR=str(up.root)).returncode == 0  # and starts nothing anew
    assert up.stack.pid_of("cdb_ws") == next(
        part["pid"] for part in json.loads(found.stdout)["parts"] if part["name"] == "cdb_ws"
    )


def test_the_account_is_the_checkouts_own(up: Checkout) -> None:
    filed = envfile.read(up.root / ".env")
    assert {name: up.stack.config.environment[name] for name in ACCOUNTS} == {name: filed[name] for name in ACCOUNTS}
    audited = up.json("audit")
    assert (audited["ledger"], audited["holds"]) == ("claire_de_binaire", True)


def test_no_part_has_a_variable_of_the_shell(up: Checkout) -> None:
    parts = [part.name for part in up.stack.config.parts if part.kind is not Kind.ONE_SHOT]
    given = {name: psutil.Process(up.stack.pid_of(name)).environ() for name in parts}
    theirs = {(name, value) for name, value in up.shell.items() if name not in ("PATH", "HOME")}
    assert {name: theirs & found.items() for name, found in given.items()} == {name: set() for name in parts}


def test_prometheus_has_the_bots_series(up: Checkout) -> None:
    with closing(Prometheus(f"http://127.0.0.1:{up.stack.config.ports.prometheus}")) as prometheus:

        def figures() -> list[float]:
            asked = ("count(cdb_health_status)", 'count({__name__=~"cdb_.+_total"})')
            return [sample.value for expression in asked for sample in prometheus.query(expression)]

        until(
            figures,
            holds=lambda found: len(found) == 2 and found[0] == len(NAMES) and found[1] > 100,
            within_s=60,
            what="all services and their counters",
        )


def test_the_doctor_finds_all_well_and_names_what_it_ignores(up: Checkout) -> None:
    def items() -> dict[str, Any]:
        return {item["name"]: item for item in up.json("doctor")["items"]}

    right = ("parts", "targets", "endpoints", "metrics", "settings")
    seen = until(items, holds=lambda seen: {seen[name]["verdict"] for name in right} == {"ok"}, within_s=90)
    assert seen["shell"]["verdict"] == "warn"
    assert "POSTGRES_DB, " in seen["shell"]["found"]
    assert "PGSSLMODE" in seen["shell"]["found"]


def test_a_replay_runs_as_in_any_other_shell(up: Checkout, tmp_path: Path) -> None:
    tape = tmp_path / "Märkte.csv"
    tape.write_text("".join(TAPE.read_text(encoding="utf-8").splitlines(keepends=True)[: ROWS + 1]), encoding="utf-8")
    summary = up.json("replay", str(tape))
    assert (summary["trades_read"], summary["refused"]) == (ROWS, 0)
