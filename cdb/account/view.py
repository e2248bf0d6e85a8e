"""Positions, trades and results as tables for a terminal."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from cdb.account.pnl import Earned
from cdb.account.positions import OpenPositions
from cdb.account.trades import TITLES, trade_cells
from cdb.kit.figures import moment, money, percent, price, seconds
from cdb.kit.output import plain_table
from cdb.kit.printable import printable
from cdb.performance.figures import or_dash
from services.performance.trades import ClosedTrade, TradeFigures

_EARNED: Final = ("trades", "won", "result", "fees")


def positions_table(found: OpenPositions) -> Table:
    """For a terminal, with a total."""
    table = plain_table("symbol", "strategy")
    for title in ("quantity", "entry", "price", "age", "value", "of equity", "unrealised", "stop loss at"):
        table.add_column(title, justify="right")
    table.add_column("open since (UTC)")
    for one in found.positions:
        held = one.held
        table.add_row(
            printable(held.symbol),
            printable(held.strategy),
            f"{held.quantity:f}",
            price(one.entry),
            or_dash(held.price, price),
            or_dash(one.price_age_s, seconds),
            money(held.value),
            or_dash(one.share, percent),
            money(held.unrealised),
            or_dash(one.stop, price),
            moment(held.opened_at),
        )
    share = or_dash(found.share, percent)
    table.add_row("total", "", "", "", "", "", money(found.value), share, money(found.unrealised), "", "")
    return table


def trades_table(trades: Sequence[ClosedTrade]) -> Table:
    """For a terminal."""
    table = plain_table()
    table.show_header = True
    for place, title in enumerate(TITLES):
        table.add_column(title, justify="right" if 4 <= place < len(TITLES) - 1 else "left")
    for trade in trades:
        table.add_row(*map(printable, trade_cells(trade)))
    return table


def earned_table(found: Earned) -> Table:
    """For a terminal: groups, their sum, and what leads from it to the account's realised result."""
    table = plain_table(found.group)
    for title in _EARNED:
        table.add_column(title, justify="right")
    for name, figures in found.groups.items():
        table.add_row(printable(name), *_cells(figures))
    table.add_row("closed trades", *_cells(found.closed), style="bold")
    if (account := found.account) is not None:
        still_open = account.still_open
        table.add_row("fills of open positions", "", "", money(still_open.result), money(still_open.fees))
        fees = money(account.closed.fees + still_open.fees)
        table.add_row("realised by the account", "", "", money(account.realised_pnl), fees, style="bold")
    return table


def _cells(figures: TradeFigures) -> tuple[str, ...]:
    won = or_dash(figures.win_rate, percent)
    return f"{figures.trades:,}", won, money(figures.result), money(figures.fees)
