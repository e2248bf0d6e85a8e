"""The audit itself: rows in, findings out, in one pass over each table."""

from decimal import Context, Decimal, localcontext

from cdb.audit.decisions import DecisionCheck
from cdb.audit.findings import Report, Rule
from cdb.audit.history import History
from cdb.audit.orders import check_order
from cdb.audit.replay import ZERO, Replay
from cdb.audit.rows import LedgerRows, Uniqueness

_RULE_OF_COLUMN = {
    ("decisions", "signal_id"): Rule.ONE_DECISION,
    ("orders", "signal_id"): Rule.ONE_ORDER,
    ("fills", "order_id"): Rule.ONE_FILL,
}


def audit(rows: LedgerRows) -> Report:
    """Recompute everything from *rows* and return what breaks which rule. Never raises over what a row holds."""
    # More digits than any product here has; a NaN becomes a breach instead of an error.
    with localcontext(Context(prec=80, traps=[])):
        return _audit(rows)


def _audit(rows: LedgerRows) -> Report:
    report = Report(rows.taken_at)
    history = History(rows.breaker, rows.references, rows.adjustments)
    replay = Replay(rows.fills, rows.account.opening_cash if rows.account else ZERO, report)
    for column in rows.uniqueness:
        _check_unique(column, report)
    decisions = DecisionCheck(replay, history, report)
    for decided in rows.decided:
        decisions.check(decided)
    replay.advance()
    for order in rows.orders:
        check_order(order, report, now=rows.taken_at)
    replay.compare_positions(rows.positions)
    _check_account(rows, replay, history.adjusted, report)
    return report


def _check_unique(column: Uniqueness, report: Report) -> None:
    report.tallies[Rule.UNIQUE].checked += column.rows
    rule = _RULE_OF_COLUMN.get((column.table, column.column), Rule.UNIQUE)
    for value, times in column.repeated.items():
        report.breach(rule, f"{column.table} {column.column} {value}", expected="one row", found=f"{times} rows")


def _check_account(rows: LedgerRows, replay: Replay, adjusted: Decimal, report: Report) -> None:
    account, row = rows.account, "account"
    if account is None:
        if replay.last_seq:
            report.breach(Rule.CASH, row, expected="an account, for there are fills", found=None)
        return
    for rule in (Rule.CASH, Rule.REALISED_SUM, Rule.EQUITY):
        report.checked(rule)
    report.expect(Rule.CASH, row, "cash", expected=replay.cash + adjusted, found=account.cash)
    report.expect(Rule.REALISED_SUM, row, "realised_pnl", expected=replay.realised, found=account.realised_pnl)
    cost = sum((position.cost for position in rows.positions), ZERO)
    report.expect(
        Rule.EQUITY,
        row,
        "cash + cost of positions",
        expected=account.opening_cash + account.realised_pnl + adjusted,
        found=account.cash + cost,
    )
