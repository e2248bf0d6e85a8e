"""The audit itself: rows in, findings out, in one pass over each table."""

from decimal import Context, Decimal, localcontext

from cdb.audit.actions import check_actions
from cdb.audit.decisions import DecisionCheck
from cdb.audit.equity_marks import EquityCheck
from cdb.audit.findings import Report, Rule
from cdb.audit.history import History
from cdb.audit.orders import check_left_behind, check_order
from cdb.audit.rebooking import ZERO, Rebooking
from cdb.audit.rows import LedgerRows, Uniqueness

_RULE_OF_COLUMN = {
    ("decisions", "signal_id"): Rule.ONE_DECISION,
    ("orders", "signal_id"): Rule.ONE_ORDER,
    ("fills", "order_id"): Rule.ONE_FILL,
}


def audit(rows: LedgerRows) -> Report:
    """Recompute everything from *rows* and report what breaks which rule. Never raises over what a row holds."""
    # More digits than any product here has; a NaN becomes a breach instead of an error.
    with localcontext(Context(prec=80, traps=[])):
        return _audit(rows)


def _audit(rows: LedgerRows) -> Report:
    report = Report(rows.taken_at)
    history = History(rows.breaker, rows.references, rows.adjustments)
    opening_cash = rows.account.opening_cash if rows.account else ZERO
    equity = EquityCheck(rows.equity_marks, history, report)
    rebooking = Rebooking(rows.fills, opening_cash, report, most_adjusted=history.most_adjusted, before=equity.before)
    for column in rows.uniqueness:
        _check_unique(column, report)
    decisions = DecisionCheck(rebooking, history, report)
    for decided in rows.decided:
        decisions.check(decided)
    rebooking.advance()
    equity.before(None, rebooking)
    _check_orders(rows, report)
    check_actions(rows.actions, rows.breaker, report)
    rebooking.compare_positions(rows.positions)
    _check_account(rows, rebooking, history.sums[-1], report)
    return report


def _check_orders(rows: LedgerRows, report: Report) -> None:
    newest_final = None
    for order in rows.orders:
        check_order(order, report, now=rows.taken_at)
        if order.state != "placed":
            newest_final = max(newest_final or order.placed_at, order.placed_at)
    check_left_behind(report, newest_final)


def _check_unique(column: Uniqueness, report: Report) -> None:
    report.ask(Rule.UNIQUE, column.table, count=column.rows)
    rule = _RULE_OF_COLUMN.get((column.table, column.column), Rule.UNIQUE)
    for value, times in column.repeated.items():
        row = report.ask(rule, f"{column.table} {column.column} {value}", count=0)
        row.breach(expected="one row", found=f"{times} rows")


def _check_account(rows: LedgerRows, rebooking: Rebooking, adjusted: Decimal, report: Report) -> None:
    account, row = rows.account, "account"
    if account is None:
        if rebooking.last_seq:
            report.ask(Rule.CASH, row, count=0).breach(expected="an account, for there are fills", found=None)
        return
    if not account.cash >= 0:
        report.ask(Rule.NEVER_OVERDRAWN, row, count=0).breach(expected="cash of 0 or more", found=account.cash)
    report.ask(Rule.CASH, row).expect("cash", expected=rebooking.cash + adjusted, found=account.cash)
    realised = report.ask(Rule.REALISED_SUM, row)
    realised.expect("realised_pnl", expected=rebooking.realised, found=account.realised_pnl)
    worth = account.cash + sum((position.cost for position in rows.positions), ZERO)
    earned = account.opening_cash + account.realised_pnl + adjusted
    report.ask(Rule.EQUITY, row).expect("cash + cost of positions", expected=earned, found=worth)
