"""What a test does with the market of a running bot, so that an account gets into a certain state."""

from tests.e2e.bot import Bot
from tests.waiting import until


def shock(bot: Bot, symbol: str, percent: float) -> None:
    """Move the price of *symbol* at once."""
    path = f"/test/scenario?kind=shock&symbol={symbol}&percent={percent:.4f}"
    until(lambda: bot.ask("cdb_ws", path, post=True)[0] == 200, what=f"a shock of {symbol} by {percent:.4f} %")


def stall(bot: Bot, seconds: float = 3600) -> None:
    """Let no trade happen for *seconds*."""
    path = f"/test/scenario?kind=stall&seconds={seconds}"
    until(lambda: bot.ask("cdb_ws", path, post=True)[0] == 200, what="a stalled market")


def held(bot: Bot) -> list[str]:
    """Return the symbols in which there is a position."""
    return [str(symbol) for (symbol,) in bot.query("SELECT symbol FROM positions WHERE quantity > 0 ORDER BY symbol")]


def realised(bot: Bot) -> float:
    """Return the realised profit of all trades, in USD."""
    return float(bot.query("SELECT coalesce(sum(realised_pnl), 0) FROM fills")[0][0])
