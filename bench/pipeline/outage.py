"""Whether decisions take longer while the collector is away or hangs: the same flow in each state, in one run."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.pipeline.latency import SETTINGS, compared, follow, to_order
from bench.pipeline.report import Distribution, Narrator, Section
from bench.stacks import SERVICES, Bot, Lab, wait_until

COLLECTOR: Final = "otel_collector"
STATES: Final = ("running", "killed", "frozen")


def measure(lab: Lab, narrator: Narrator, *, seconds: float, rounds: int) -> Section:
    """Follow orders for *seconds* in each state, *rounds* times, with a different order of states each time."""
    section = Section("Outage: orders while the collector is away", SETTINGS)
    found: dict[str, list[Distribution]] = {state: [] for state in STATES}
    with lab.run("outage", (*SERVICES, COLLECTOR), SETTINGS) as bot:
        for number in range(rounds):
            turn = number % len(STATES)
            for state in (*STATES[turn:], *STATES[:turn]):
                with _collector(bot, state):
                    found[state].append(to_order(follow(bot, narrator, seconds, what=f"outage: collector {state}")))
    for state in STATES:
        section.rows += [_row(number, state, each) for number, each in enumerate(found[state], 1)]
        if state != "running":
            section.figures += compared(f"{state} to running", found[state], found["running"])
    section.notes = [
        "ratio: trade to committed order in this state to the same while the collector runs, in the same round; median",
        "killed: by SIGKILL, and not started again; frozen: by SIGSTOP, so it takes connections and answers nothing",
    ]
    return section


@contextmanager
def _collector(bot: Bot, state: str) -> Iterator[None]:
    pid = bot.stack.pid_of(COLLECTOR)
    assert pid is not None
    if state == "killed":
        os.kill(pid, signal.SIGKILL)
        bot.stack.stop_part(COLLECTOR)
    elif state == "frozen":
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if state == "frozen":
            os.kill(pid, signal.SIGCONT)
        bot.stack.start_part(COLLECTOR)
        ready = {part.name: part for part in bot.stack.config.parts}[COLLECTOR]
        wait_until(lambda: ready.probe and ready.probe(bot.stack.config).ok, within_s=20, what="the collector's start")


def _row(number: int, state: str, each: Distribution) -> dict[str, object]:
    return {"round": number, "collector": state, "orders": each.samples} | {
        f"{name}, ms": round(getattr(each, name), 2) for name in ("p50", "p95", "p99")
    }
