"""What a test does with the market of a running bot, so that an account gets into a certain state."""

from tests.support.bot import Bot
from tests.support.waiting import until


def shock(bot: Bot, symbol: str, percent: float) -> None:
    """Move the price of *symbol* at once."""
    path = f"/test/scenario?kind=shock&symbol={symbol}&percent={percent:.4f}"
    until(lambda: bot.ask("cdb_ws", path, post=True)[0] == 200, what=f"a shock of {symbol} by {percent:.4f} %")


def positions(bot: Bot) -> list[tuple[str, str]]:
    """Symbol and id of each position, that of the highest worth first."""
    rows = bot.query(
        """SELECT symbol, position_id FROM positions JOIN marks USING (symbol) WHERE quantity > 0
        ORDER BY quantity * price DESC"""
    )
    return [(str(symbol), str(position)) for symbol, position in rows]


def held(bot: Bot) -> list[str]:
    """The symbols in which there is a position, that of the highest worth first."""
    return [symbol for symbol, _ in positions(bot)]


def marks(bot: Bot) -> dict[str, float]:
    """The newest price of each symbol that cdb_risk has kept."""
    return {str(symbol): float(price) for symbol, price in bot.query("SELECT symbol, price FROM marks")}


def exposure(bot: Bot) -> float:
    """The worth of all positions at these prices, as a share of equity."""
    rows = bot.query(
        "SELECT cash, (SELECT coalesce(sum(quantity * price), 0) FROM positions JOIN marks USING (symbol)) FROM account"
    )
    cash, worth = map(float, rows[0])
    return worth / (cash + worth)


def realised(bot: Bot) -> float:
    """The realised profit of all trades, in USD."""
    return float(bot.query("SELECT coalesce(sum(realised_pnl), 0) FROM fills")[0][0])


def stop_with_a_position(bot: Bot) -> str:
    """Stop the market while something is held, so that no signal can sell it any more; the newest one's symbol."""

    def look() -> str:
        until(lambda: bot.count("positions", "quantity > 0"), within_s=60, what="a position")
        bot.quiesce()
        newest = bot.query("SELECT symbol FROM positions WHERE quantity > 0 ORDER BY opened_at DESC LIMIT 1")
        if not newest:
            bot.go_on()
        return str(newest[0][0]) if newest else ""

    return until(look, within_s=60, what="a position in a market that has stopped")
