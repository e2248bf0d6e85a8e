"""Cut a lively bot's network for a while and see it trade again: `unshare --net python -m ... STATE SECONDS`."""

import sys
import threading
from pathlib import Path

from tests.support.bot import LIVELY, running_bot
from tests.support.network import switch_loopback

BACK_WITHIN_S = 60.0


def main() -> None:
    """Every connection between services and servers is cut at once, with both ends alive and none of them told."""
    switch_loopback(on=True)
    state, seconds = Path(sys.argv[1]), float(sys.argv[2])
    with running_bot(state, LIVELY) as bot:
        bot.wait_healthy()
        bot.wait_trading()
        before = {part: bot.stack.pid_of(part) for part in ("cdb_ws", "cdb_core", "cdb_risk", "cdb_execution")}
        switch_loopback(on=False)
        threading.Event().wait(seconds)
        switch_loopback(on=True)
        bot.wait_trading(BACK_WITHIN_S)
        bot.wait_healthy()
        assert {part: bot.stack.pid_of(part) for part in before} == before, "a service was started again"
        bot.quiesce()
        bot.audit()


if __name__ == "__main__":
    main()
