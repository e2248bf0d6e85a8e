"""Which faults happen when, from a seed. Each ends by itself, so that the exchange is whole at the end."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tests.exchange.faults import ALL, DEFAULTS
from tests.exchange.server import ExchangeServer


@dataclass(frozen=True)
class Step:
    """One fault: when it begins, how long it lasts (0: it happens once), and its value in Faults.

    *fault* may also be "stopped": the server is gone, and comes back on the same ports.
    """

    at_s: float
    fault: str
    value: Any = True
    lasts_s: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.lasts_s:.2f} s" if self.lasts_s else ""
        return f"{self.at_s:6.2f} s  {self.fault}={self.value!r}{lasting}"


Draw = Callable[[random.Random], Any]
ONCE: Final[dict[str, Draw]] = {
    "drop": lambda draw: draw.choice(["reset", "end", "away", "error"]),
    "old_again_s": lambda draw: draw.choice([5.0, 60.0, 2400.0]),
    "huge_bytes": lambda _: 10_000_000,
    "shutdown_notice_s": lambda draw: draw.uniform(0.05, 0.3),
}
LASTING: Final[dict[str, Draw]] = {
    "stopped": lambda _: True,
    "half_open": lambda _: True,
    "mute_pongs": lambda _: True,
    "drip_bytes": lambda draw: draw.choice([7, 64, 500]),
    "refuse_upgrade": lambda draw: draw.choice([403, 429, 502, 503]),
    "refused": lambda _: ALL,
    "renamed": lambda _: True,
    "silent": lambda _: ALL,
    "no_acks": lambda _: True,
    "hold": lambda _: True,
    "twice": lambda _: True,
    "again_on_subscribe": lambda draw: draw.choice([1, 20, 300]),
    "unknown_kind": lambda _: True,
    "wrong_type": lambda _: True,
    "broken": lambda _: True,
    "bare": lambda _: True,
    "trade_ids": lambda _: False,
    "rest_status": lambda draw: draw.choice([403, 418, 429, 429, 500, 502]),
    "rest_body": lambda draw: draw.choice(["html", "empty", "broken", "object"]),
    "rest_hangs_up": lambda _: True,
    "rest_slow_s": lambda draw: draw.uniform(0.1, 1.0),
    "rest_lag_s": lambda draw: draw.uniform(0.1, 2.0),
    "rest_zeros": lambda _: True,
    "time_off_s": lambda draw: draw.choice([-3600.0, -5.0, 5.0, 3600.0]),
}
LOSING: Final = frozenset({"silent", "renamed", "wrong_type", "broken"})
"""These take deals from a connection that seems to be well: only REST can tell that they happened."""
NAMES: Final = (*ONCE, *LASTING)


def random_faults(
    seed: int, *, lasts_s: float = 3.0, most: int = 6, longest_s: float = 1.0, without: Sequence[str] = ()
) -> "Schedule":
    """A schedule with up to *most* faults; all have ended after *lasts_s*. The same arguments give the same one."""
    draw = random.Random(seed)  # noqa: S311  no secret
    names = [name for name in NAMES if name not in without]
    steps = []
    for _ in range(draw.randint(1, most)):
        name = draw.choice(names)
        duration = 0.0 if name in ONCE else draw.uniform(0.05, min(longest_s, lasts_s / 2))
        value = (ONCE.get(name) or LASTING[name])(draw)
        steps.append(Step(draw.uniform(0.0, lasts_s - duration), name, value, duration))
    return Schedule(steps, lasts_s=lasts_s)


class Schedule:
    """Plays steps on a server. Steps of one fault may overlap; it ends with the last of them."""

    def __init__(self, steps: Sequence[Step], *, lasts_s: float | None = None) -> None:
        self.steps = sorted(steps, key=lambda step: step.at_s)
        self.lasts_s = lasts_s or max((step.at_s + step.lasts_s for step in self.steps), default=0.0)

    def __str__(self) -> str:
        return "\n".join(str(step) for step in self.steps)

    def only(self, symbol: str) -> "Schedule":
        """The same, but faults of symbols are those of one symbol."""
        one = frozenset({symbol})
        steps = [replace(step, value=one) if step.value == ALL else step for step in self.steps]
        return Schedule(steps, lasts_s=self.lasts_s)

    async def run(self, server: ExchangeServer) -> None:
        """Play all steps; afterwards the server listens and nothing is wrong with it, also if this is cancelled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        moments = [(step.at_s, 0, step) for step in self.steps]
        moments += [(step.at_s + step.lasts_s, 1, step) for step in self.steps if step.lasts_s]
        running: list[Step] = []
        try:
            for at_s, is_end, step in sorted(moments, key=lambda moment: moment[:2]):
                await asyncio.sleep(began + at_s - loop.time())
                if is_end:
                    running.remove(step)
                    await _end(server, step, running)
                else:
                    running += [step] if step.lasts_s else []
                    await _begin(server, step)
            await asyncio.sleep(began + self.lasts_s - loop.time())
        finally:
            server.faults.heal()
            if not server.is_up:
                await server.start()


async def _begin(server: ExchangeServer, step: Step) -> None:
    if step.fault != "stopped":
        setattr(server.faults, step.fault, step.value)
    elif server.is_up:
        await server.stop()


async def _end(server: ExchangeServer, step: Step, running: Sequence[Step]) -> None:
    others = [other for other in running if other.fault == step.fault]
    if step.fault == "stopped":
        if not others:
            await server.start()
    else:
        setattr(server.faults, step.fault, others[-1].value if others else DEFAULTS[step.fault])
