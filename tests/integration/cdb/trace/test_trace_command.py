"""`cdb trace` on a real Jaeger behind a real collector, with traces made by hand, and where there is none."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any, Final

import pytest

from cdb.running.native import Ports
from tests.support.cli import run_cdb
from tests.support.collector_with_jaeger import Trace, Tracing, running_tracing
from tests.support.waiting import until

pytestmark = pytest.mark.integration

SLOW: Final = [Trace(name=f"slow {ms}", decision_ms=ms) for ms in (60, 120, 300, 900)]
"""Each trace has a span of 2 s, whatever its decision took."""
FAST: Final = Trace(name="fast, but failed", failed=True, decision_ms=5)
TORN: Final = Trace(name="its end alone", attributes={"cdb.verdict": "rejected"}, decision_ms=70)


@dataclass
class Seen:
    """A Jaeger that has all of the traces above, and a Prometheus without a collector, which knows nothing."""

    tracing: Tracing
    prometheus_port: int

    def cdb(self, *arguments: str, **ports: int) -> CompletedProcess[str]:
        """Run `cdb trace` on it, or on the *ports* given."""
        known = self.tracing.stack.config.ports
        variables = {
            "CDB_JAEGER_PORT": str(ports.get("jaeger", known.jaeger)),
            "CDB_PROMETHEUS_PORT": str(ports.get("prometheus", self.prometheus_port)),
        }
        return run_cdb("trace", *arguments, environment=variables)

    def json(self, *arguments: str, **ports: int) -> Any:
        """What the command says with --json."""
        run = self.cdb(*arguments, "--json", **ports)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    place = tmp_path_factory.mktemp("tracing")
    with (
        running_tracing(place / "tracing") as tracing,
        running_tracing(place / "prometheus", parts=("prometheus",)) as apart,
    ):
        tracing.send([*SLOW, FAST])
        tracing.send([TORN], "cdb_risk")
        wanted = {trace.trace_id.hex() for trace in [*SLOW, FAST, TORN]}
        until(tracing.found, holds=lambda found: found.keys() >= wanted, what="all of them in Jaeger")
        yield Seen(tracing, apart.stack.config.ports.prometheus)


def ids(said: Any) -> list[str]:
    return [one["trace_id"] for one in said["decisions"]]


def test_decisions_are_listed_by_their_own_duration_the_slowest_first(seen: Seen) -> None:
    """A trace that is long for another reason is not among them, although Jaeger gives it."""
    wanted = sorted([*SLOW, TORN], key=lambda trace: -trace.decision_ms)
    said = seen.json("slow")
    assert ids(said) == [trace.trace_id.hex() for trace in wanted]
    assert [one["duration_ms"] for one in said["decisions"]] == [900, 300, 120, 70, 60]
    assert said["complete"]


def test_only_what_took_longer_than_asked_is_listed_and_at_most_so_many(seen: Seen) -> None:
    assert [one["duration_ms"] for one in seen.json("slow", "--over", "0.12s")["decisions"]] == [900, 300]
    assert [one["duration_ms"] for one in seen.json("slow", "--limit", "1")["decisions"]] == [900]
    assert seen.json("slow", "--over", "2s")["decisions"] == []
    assert "No stored decision of the last 15m took longer than 2s" in seen.cdb("slow", "--over", "2s").stdout


def test_a_listed_decision_says_all_that_one_would_ask(seen: Seen) -> None:
    (torn,) = [one for one in seen.json("slow")["decisions"] if one["trace_id"] == TORN.trace_id.hex()]
    assert (torn["verdict"], torn["kept"], torn["most"]["span"]) == ("rejected", "slow", "risk.decide")
    run = seen.cdb("slow")
    assert [line for line in run.stdout.splitlines() if TORN.trace_id.hex() in line and "70.0 ms risk.decide" in line]


def test_a_trace_is_found_by_its_id_or_by_the_beginning_of_it(seen: Seen) -> None:
    trace_id = SLOW[0].trace_id.hex()
    for text in (trace_id, trace_id.upper(), trace_id[:8]):
        said = seen.json("show", text)
        assert said["trace_id"] == trace_id
        assert [span["span"] for span in said["spans"]] == ["signal.generate", "risk.decide", "order.execute"]
        path = sum(part["duration_ms"] for part in said["critical_path"])
        assert path == pytest.approx(said["duration_ms"])


def test_the_waterfall_shows_each_span_and_says_what_is_missing(seen: Seen) -> None:
    lines = seen.cdb("show", TORN.trace_id.hex()).stdout.splitlines()
    assert [line for line in lines if line.startswith("cdb_risk") and "risk.decide" in line]
    assert lines[-1] == "1 without its parent, late or lost: risk.decide"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("f" * 32, "cdb: there is no trace ffffffffffffffffffffffffffffffff"),
        ("0123456789", "cdb: none of the newest 1,000 traces of the last day begins with 0123456789"),
        ("abc", "cdb: 'abc' is not a trace id: give its 32 hexadecimal digits, or the first 4 or more of them"),
        ("../services", "cdb: '../services' is not a trace id"),
        ("\x1b[31m", "cdb: '\\x1b[31m' is not a trace id"),
    ],
)
def test_an_unknown_id_is_one_clear_line(seen: Seen, text: str, said: str) -> None:
    run = seen.cdb("show", text)
    assert (run.returncode, run.stdout) == (1, "")
    (line,) = run.stderr.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("option", "text", "allowed"),
    [
        ("--over", "50", "'50' is not a length of time: a number with us, ms, s, m, h, d, w or y is allowed"),
        ("--since", "9d", "'9d' is out of range: 1us to 7d is allowed"),
    ],
)
def test_a_wrong_length_of_time_is_refused_naming_the_option_and_what_is_allowed(
    seen: Seen, option: str, text: str, allowed: str
) -> None:
    run = seen.cdb("slow", f"{option}={text}")
    assert run.returncode == 2
    assert run.stderr.startswith(f"cdb: {option} {allowed}")


def test_spans_without_history_are_said_to_have_none(seen: Seen) -> None:
    trace_id = SLOW[-1].trace_id.hex()
    said = seen.json("explain", trace_id)
    assert {(span["median"], span["over_median_ms"]) for span in said["spans"]} == {(None, None)}
    assert said["sentence"].startswith("The decision took 900 ms, 897 ms of it in risk.decide, which has no history")
    assert "3 of 3 spans have no history in either hour." in seen.cdb("explain", trace_id).stdout


def test_where_no_jaeger_runs_one_line_says_so(seen: Seen) -> None:
    free = Ports.free().jaeger
    for arguments in (("slow",), ("explain", "abcd")):
        run = seen.cdb(*arguments, jaeger=free)
        assert (run.returncode, run.stdout) == (3, "")
        (line,) = run.stderr.splitlines()
        assert line.startswith(f"cdb: Jaeger at http://127.0.0.1:{free} does not answer")
        assert line.endswith("`cdb status` shows what runs, `cdb up` starts the stack")


def test_what_is_no_jaeger_is_not_taken_for_one(seen: Seen) -> None:
    exposition = seen.tracing.stack.config.ports.exposition
    run = seen.cdb("slow", jaeger=exposition)
    assert (run.returncode, run.stdout) == (3, "")
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"cdb: http://127.0.0.1:{exposition}/api/traces answered 404: is it Jaeger?")


def test_where_no_prometheus_runs_one_line_says_so(seen: Seen) -> None:
    free = Ports.free().prometheus
    run = seen.cdb("explain", SLOW[0].trace_id.hex(), prometheus=free)
    assert (run.returncode, run.stdout) == (3, "")
    assert run.stderr.startswith(f"cdb: Prometheus at http://127.0.0.1:{free} does not answer")
