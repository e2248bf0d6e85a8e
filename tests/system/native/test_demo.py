"""The demo as everybody first sees it: default settings. tests/unit/services/test_demo.py has its first minute."""

import pytest

from tests.support.bot import Bot, running_bot
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


def seen(bot: Bot) -> dict[str, int]:
    reasons = dict(bot.query("SELECT reason, count(*) FROM decisions WHERE reason IS NOT NULL GROUP BY 1"))
    return {
        "signals": bot.count("signals"),
        "approved": bot.count("decisions", "verdict = 'approved'"),
        "reasons": len(reasons),
        "fills": bot.count("fills"),
        "gains": bot.count("fills", "realised_pnl > 0"),
        "losses": bot.count("fills", "realised_pnl < 0"),
    }


def test_there_is_everything_to_look_at(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Signals, approvals, three kinds of rejection, fills, a trade closed with a gain and one with a loss."""
    with running_bot(tmp_path_factory.mktemp("demo")) as bot:
        until(
            lambda: seen(bot),
            holds=lambda now: all(now.values()) and now["reasons"] >= 3,
            within_s=240,
            what="signals, approvals, three reasons, fills, a gain and a loss",
        )
        bot.quiesce()
        bot.audit()
