"""Moments of one piece of work: in their order, since 1970, and in seconds."""

import time

from services.clock import NANOSECONDS
from services.runtime.timeline import Timeline


def test_moments_are_in_order_and_on_the_machines_clock() -> None:
    before = time.time_ns()
    timeline = Timeline()
    timeline.mark("read")
    timeline.mark("written")
    now = timeline.now()
    assert timeline.began <= timeline["read"] <= timeline["written"] <= now
    assert abs(timeline.began - before) < NANOSECONDS
    assert timeline.seconds("read") == (timeline["read"] - timeline.began) / NANOSECONDS
    assert timeline.seconds("read") <= timeline.seconds("written") <= timeline.seconds()
