"""What closing positions would bring, and what it has brought, on a terminal."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.table import Table

from cdb.flatten.sales import Sale
from cdb.kit.figures import money, price
from cdb.kit.output import plain_table
from cdb.kit.printable import printable


def plan_table(details: dict[str, Any]) -> Table:
    """The positions at their newest prices; results are before fees and slippage."""
    table = _table("symbol", "strategy", "sells", "price", "value", "estimated result")
    for one in details["positions"]:
        table.add_row(
            printable(one["symbol"]),
            printable(one["strategy"]),
            one["quantity"] if one["order_id"] else "is being sold",
            price(Decimal(one["price"])),
            money(Decimal(one["notional"])),
            money(Decimal(one["estimated_result"])),
        )
    sums = (money(Decimal(details[name])) for name in ("notional", "estimated_result"))
    table.add_row("sum", "", "", "", *sums, style="bold")
    return table


def sales_table(sales: Sequence[Sale]) -> Table:
    """What was sold, at which price."""
    table = _table("symbol", "strategy", "quantity", "price", "fee", "result")
    for sale in sales:
        names = printable(sale.symbol), printable(sale.strategy)
        if sale.price is None or sale.fee is None or sale.result is None:
            table.add_row(*names, f"{sale.quantity:f}", printable(sale.refusal or sale.state), "", "")
        else:
            table.add_row(*names, f"{sale.quantity:f}", price(sale.price), money(sale.fee), money(sale.result))
    return table


def _table(*titles: str) -> Table:
    table = plain_table(*titles)
    for column in table.columns[2:]:
        column.justify = "right"
    return table
