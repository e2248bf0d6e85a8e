"""The account's figures once more: with pandas, from fills alone. Nothing of the project's own accounting is used.

Amounts are Fractions where it matters, so what differs differs for a reason.
"""

from fractions import Fraction
from typing import Any

import pandas as pd

from tests.support.servers import Database

COLUMNS = ["seq", "position", "symbol", "side", "quantity", "notional", "fee", "filled_at", "strategy"]
AMOUNTS = ["quantity", "notional", "fee"]


def fills_of(database: Database) -> pd.DataFrame:
    """Every fill; what a sale brought is positive, what a purchase took negative, fees taken off both."""
    rows = database.query(
        "SELECT f.fill_seq, f.position_id, f.symbol, f.side, f.quantity, f.notional, f.fee, f.filled_at, o.strategy "
        "FROM fills f JOIN orders o USING (order_id) ORDER BY f.fill_seq"
    )
    table = pd.DataFrame(rows, columns=COLUMNS)
    table[AMOUNTS] = table[AMOUNTS].map(Fraction)
    sign = table["side"].map({"BUY": -1, "SELL": 1})
    table["moved"] = -sign * table["quantity"]
    table["flow"] = sign * table["notional"] - table["fee"]
    return table


def closed_trades(fills: pd.DataFrame) -> pd.DataFrame:
    """Positions of which nothing is left: what they brought is all that flowed."""
    found = fills.groupby("position").agg(
        strategy=("strategy", "first"),
        symbol=("symbol", "first"),
        opened=("filled_at", "min"),
        closed=("filled_at", "max"),
        left=("moved", "sum"),
        result=("flow", "sum"),
        fees=("fee", "sum"),
    )
    found = found[found["left"] == 0]
    return found.assign(day=found["closed"].map(lambda when: when.strftime("%Y-%m-%d")))


def figures(trades: pd.DataFrame) -> dict[str, float]:
    won, lost = trades["result"][trades["result"] > 0].sum(), -trades["result"][trades["result"] < 0].sum()
    lasted = (trades["closed"] - trades["opened"]).dt.total_seconds()
    return {
        "trades": len(trades),
        "wins": int((trades["result"] > 0).sum()),
        "win_rate": float((trades["result"] > 0).mean()),
        "result": float(trades["result"].sum()),
        "fees": float(trades["fees"].sum()),
        "profit_factor": float(won / lost),
        "best_result": float(trades["result"].max()),
        "worst_result": float(trades["result"].min()),
        "mean_duration_s": lasted.mean(),
        "median_duration_s": lasted.median(),
    }


def average_results(fills: pd.DataFrame) -> pd.Series:
    """Of each sale, by its fill_seq: what it brought less its share of what its position has cost."""
    found = {}
    for _, position in fills.groupby("position"):
        held = cost = Fraction(0)
        for fill in position.itertuples():
            if fill.side == "BUY":
                held, cost = held + fill.quantity, cost - fill.flow
            else:
                part = cost * fill.quantity / held
                held, cost = held - fill.quantity, cost - part
                found[fill.seq] = fill.flow - part
    return pd.Series(found, dtype=object)


def fifo_results(fills: pd.DataFrame) -> pd.Series:
    """Of each sale, by its fill_seq.

    All that was ever bought of a symbol lies on one line, and so does all that was sold: a sale takes of each purchase
    what their stretches have in common.
    """
    found = {}
    for _, of_symbol in fills.groupby("symbol"):
        buys, sales = (_stretches(of_symbol[of_symbol["side"] == side]) for side in ("BUY", "SELL"))
        for sale in sales.itertuples():
            common = buys["end"].clip(upper=sale.end) - buys["begin"].clip(lower=sale.begin)
            shares = common.map(lambda length: max(length, Fraction(0))) / buys["quantity"]
            found[sale.seq] = sale.flow + (shares * buys["flow"]).sum()
    return pd.Series(found, dtype=object)


def _stretches(fills: pd.DataFrame) -> pd.DataFrame:
    end = fills["quantity"].cumsum() if len(fills) else fills["quantity"]
    return fills.assign(end=end, begin=end - fills["quantity"])


def as_floats(figures: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in figures.items()}
