"""From a slow decision to its trace, on a whole bot that trades: by the command, by Jaeger's API, and from a chart."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from cdb.kit.prometheus import Prometheus
from cdb.trace.baseline import baselines_for
from cdb.trace.jaeger import Jaeger
from cdb.trace.model import DECISION, Span, Trace
from tests.support.bot import Bot
from tests.support.waiting import until
from tests.system.native.messages import signal

pytestmark = pytest.mark.e2e

DELAY_MS: Final = 300
SECONDS: Final = 8
HISTOGRAM: Final = "cdb_risk_decision_duration_seconds_bucket"
PARENTS: Final = {
    "signal.generate": "",
    "send signals": "signal.generate",
    "process signals": "send signals",
    "risk.decide": "process signals",
    "risk.read_state": "risk.decide",
    "risk.wait_for_batch": "risk.decide",
    "risk.layer": "risk.decide",
    "risk.write": "risk.decide",
    "send orders": "risk.decide",
    "process orders": "send orders",
    "order.execute": "process orders",
    "execution.read_state": "order.execute",
    "execution.write": "order.execute",
    "send fills": "order.execute",
    "process fills": "send fills",
}


@dataclass(frozen=True)
class Slowed:
    """A bot whose decisions were slow, and which ones those were by its ledger: verdicts by signal id."""

    bot: Bot
    jaeger: Jaeger
    began: float  # Unix time in seconds
    verdicts: dict[str, str]

    def command(self, *arguments: str) -> Any:
        """What `cdb trace` says with --json."""
        run = self.bot.cdb("trace", *arguments, "--json")
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    def found(self) -> dict[str, Trace]:
        """The traces of the slow decisions as Jaeger gives them, by signal id."""
        return {
            signal_id: trace
            for signal_id, trace in self.decided(least_us=DELAY_MS * 1_000).items()
            if signal_id in self.verdicts
        }

    def decided(self, *, least_us: int = 0) -> dict[str, Trace]:
        """The traces with a decision, and any span of *least_us*, by signal id."""
        start_us, end_us = int((self.began - 60) * 1e6), int(time.time() * 1e6)
        traces = self.jaeger.find(
            "cdb_risk", operation=DECISION, least_us=least_us, start_us=start_us, end_us=end_us, limit=2_000
        )
        return {decision.text("cdb.signal_id"): trace for trace in traces for decision in named(trace, DECISION)}


@pytest.fixture(scope="module")
def slowed(whole_demo: Bot) -> Iterator[Slowed]:
    """Let the bot decide until it is known what is usual, and then slowly."""
    with Prometheus(whole_demo.url("prometheus", "")) as prometheus, Jaeger(whole_demo.url("jaeger", "")) as jaeger:
        until(
            lambda: baselines_for(prometheus, began=time.time(), now=time.time()),
            holds=lambda known: ("cdb_risk", "risk.read_state") in known,
            within_s=120,
            every_s=1,
            what="span metrics of decisions",
        )
        slow = f"/test/slow-decisions?delay_ms={DELAY_MS}&seconds={SECONDS}"
        assert whole_demo.ask("cdb_risk", slow, post=True)[0] == 200
        began_ns = time.time_ns()
        # What was decided so late has begun to read after that, or was slow for a reason of its own.
        first, last = began_ns / 1e9 + 0.5, began_ns / 1e9 + SECONDS
        until(time.time, holds=lambda now: now > last, what="the end of slow decisions")
        decided = (
            "SELECT signal_id, verdict FROM decisions WHERE decided_at "  # noqa: S608  numbers
            f"BETWEEN to_timestamp({first}) AND to_timestamp({last})"
        )
        verdicts = dict(until(lambda: whole_demo.query(decided), what="decisions in that time"))
        yield Slowed(whole_demo, jaeger, began_ns / 1e9, verdicts)


def named(trace: Trace, name: str) -> list[Span]:
    return [span for span in trace.spans if span.name == name]


def wrong_with(trace: Trace, verdict: str) -> list[str]:
    """What *trace* lacks, and each span that is not where it belongs."""
    names = {span.span_id: span.name for span in trace.spans}
    parents = [(span.name, names.get(span.parent_id, "missing") if span.parent_id else "") for span in trace.spans]
    wanted = {"cdb_core", "cdb_risk", *(["cdb_execution"] if verdict == "approved" else [])}
    misplaced = [f"{name} below {parent}" for name, parent in parents if PARENTS.get(name) != parent]
    return misplaced + sorted(wanted - {span.service for span in trace.spans})


def test_every_slow_decision_is_listed_with_the_step_that_was_slow(slowed: Slowed) -> None:
    def listed() -> dict[str, Any]:
        said = slowed.command("slow", "--over", "200ms", "--since", "5m", "--limit", "1000")
        return {one["signal_id"]: one for one in said["decisions"]}

    found = until(listed, holds=lambda seen: seen.keys() >= slowed.verdicts.keys(), within_s=60, what="all of them")
    assert [one["duration_ms"] for one in found.values()] == sorted(
        (one["duration_ms"] for one in found.values()), reverse=True
    )
    slow = [found[signal_id] for signal_id in slowed.verdicts]
    assert {one["signal_id"]: one["verdict"] for one in slow} == slowed.verdicts
    assert all(one["duration_ms"] >= DELAY_MS for one in slow)
    assert Counter(one["most"]["span"] for one in slow).most_common(1)[0][0] == "risk.read_state"


def test_jaeger_has_each_slow_decision_in_one_whole_trace_from_its_signal_to_its_fill(slowed: Slowed) -> None:
    until(slowed.found, holds=lambda found: found.keys() == slowed.verdicts.keys(), within_s=60, what="all of them")

    def wrong() -> dict[str, list[str]]:
        found = slowed.found()
        problems = {signal_id: wrong_with(found[signal_id], verdict) for signal_id, verdict in slowed.verdicts.items()}
        return {signal_id: some for signal_id, some in problems.items() if some}

    until(wrong, holds=lambda problems: not problems, within_s=60, every_s=1, what="all of them whole")
    found = slowed.found()
    assert len({trace.trace_id for trace in found.values()}) == len(slowed.verdicts)
    assert all(len(named(trace, DECISION)) == 1 for trace in found.values())


def test_a_slow_decision_is_drawn_and_explained_by_what_is_usual(slowed: Slowed) -> None:
    found = until(slowed.found, within_s=60, what="a slow decision")
    trace_id = next(iter(found.values())).trace_id
    drawn = slowed.bot.cdb("trace", "show", trace_id)
    assert drawn.returncode == 0
    assert [line for line in drawn.stdout.splitlines() if "risk.read_state" in line and "█" in line]
    said = slowed.command("explain", trace_id)
    (read,) = [row for row in said["spans"] if row["span"] == "risk.read_state"]
    assert read["median"]["ms"] < DELAY_MS < read["duration_ms"]
    assert read["over_median_ms"] == pytest.approx(read["duration_ms"] - read["median"]["ms"])
    overs = [row["over_median_ms"] for row in said["spans"] if row["over_median_ms"] is not None]
    assert overs == sorted(overs, reverse=True)
    assert said["sentence"].startswith("The decision took ")


def test_each_point_on_the_chart_of_decisions_leads_to_a_trace_that_was_kept(slowed: Slowed) -> None:
    now = time.time()
    asked = {"query": HISTOGRAM, "start": str(now - 300), "end": str(now)}
    series = until(lambda: slowed.bot.prometheus("query_exemplars", **asked), within_s=60, what="exemplars")
    wanted = {exemplar["labels"]["trace_id"] for found in series for exemplar in found["exemplars"]}
    until(
        lambda: sorted(one for one in wanted if slowed.jaeger.trace(one) is None),
        holds=lambda missing: not missing,
        within_s=60,
        every_s=1,
        what=f"all of {len(wanted)} exemplars in Jaeger",
    )


def test_a_message_with_a_hostile_traceparent_begins_a_trace_of_its_own(slowed: Slowed) -> None:
    """It claims to belong to a trace that is there; nothing is added to that."""
    victim = next(iter(until(slowed.found, within_s=60, what="a slow decision").values()))
    good = f"00-{victim.trace_id}-{victim.spans[0].span_id}-01"
    hostile = [good + "x" * 10_000, "\x00\x1b[31m" + good, good.replace("00-", "ff-", 1), ""]
    sent = {}
    for number, traceparent in enumerate(hostile):
        trade_id = time.time_ns() // 1_000 + number
        signal_id = f"BTCUSDT:momentum_v1:{trade_id}"
        slowed.bot.put("signals", data=signal(trade_id=trade_id, signal_id=signal_id), traceparent=traceparent)
        sent[signal_id] = traceparent
    slowed.bot.wait_trading()

    def found() -> dict[str, Trace]:
        return {signal_id: trace for signal_id, trace in slowed.decided().items() if signal_id in sent}

    seen = until(found, holds=lambda now: now.keys() == sent.keys(), within_s=60, every_s=1, what="a trace for each")
    assert len({trace.trace_id for trace in seen.values()} | {victim.trace_id}) == len(hostile) + 1
    assert all(not span.parent_id for trace in seen.values() for span in named(trace, "process signals"))
