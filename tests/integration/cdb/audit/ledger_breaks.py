"""Ways to break a ledger, and which rules the audit must then name, no fewer and no more.

Where one wrong row shows in several sums, several rules are named.
"""
# ruff: noqa: S608  statements are put together from this file's own constants

from typing import Final

from cdb.audit import Rule

# A ledger is protected by its constraints; a broken one is made without them. From PostgreSQL 18 on, NOT NULL is one
# of them: it stays, as with older versions.
UNPROTECT: Final = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT conrelid::regclass AS at, conname FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 'n' ORDER BY contype = 'f' DESC
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', found.at, found.conname);
    END LOOP;
    FOR found IN SELECT attrelid::regclass AS at, attname FROM pg_attribute
        WHERE attidentity <> '' AND attnum > 0
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER %I DROP IDENTITY', found.at, found.attname);
    END LOOP;
END $$
"""

REJECTED = "(SELECT signal_id FROM decisions WHERE verdict = 'rejected' ORDER BY decision_seq DESC LIMIT 1)"
SALE = "(SELECT order_id FROM orders WHERE side = 'SELL' AND cause = 'signal' ORDER BY order_seq LIMIT 1)"
PURCHASE = "(SELECT signal_id FROM orders WHERE symbol = 'SOLUSDT')"
IN_FLIGHT = "state = 'placed'"
NO_POSITION = "(SELECT signal_id FROM decisions WHERE reason = 'NO_POSITION')"
NEWEST_MARK = "WHERE at = (SELECT max(at) FROM equity_marks)"
STOP = "cause = 'stop_loss'"
BY_OPERATOR = "cause = 'operator'"
R = Rule

BREAKS: Final[dict[str, tuple[str, set[Rule]]]] = {
    "a signal is not decided": (f"DELETE FROM decisions WHERE signal_id = {REJECTED}", {R.ONE_DECISION}),
    "a signal is decided twice": (
        f"CREATE TABLE twice AS SELECT * FROM decisions WHERE signal_id = {REJECTED}; "
        "UPDATE twice SET decision_seq = 99; INSERT INTO decisions SELECT * FROM twice",
        {R.ONE_DECISION},
    ),
    "a decision is on no signal": (f"DELETE FROM signals WHERE signal_id = {REJECTED}", {R.ONE_DECISION}),
    "an approved decision has no order": (f"DELETE FROM orders WHERE {IN_FLIGHT}", {R.ONE_ORDER, R.BOOK}),
    "a rejected decision has an order": (
        "INSERT INTO orders SELECT 99, 'order:' || signal_id, 'signal', signal_id, NULL, trade_id, symbol, side, 1, "
        "price, 0, ts_init, 'refused', ts_init, 'why not', strategy FROM signals "
        f"WHERE signal_id = {NO_POSITION}",
        {R.ONE_ORDER},
    ),
    "an order is larger than was decided": (
        f"UPDATE orders SET quantity = quantity * 2 WHERE {IN_FLIGHT}",
        {R.ONE_ORDER, R.BOOK},
    ),
    "an order is on another symbol": (
        f"UPDATE orders SET symbol = 'ETHUSDT' WHERE order_id = {SALE}",
        {R.ONE_ORDER, R.ONE_FILL},
    ),
    "a filled order is not final": (
        f"UPDATE orders SET state = 'placed', finished_at = NULL WHERE order_id = {SALE}",
        {R.FINAL_STATE},
    ),
    "an order is left behind": (
        f"UPDATE orders SET placed_at = placed_at - interval '1 hour' WHERE {IN_FLIGHT}",
        {R.FINAL_STATE},
    ),
    "a final order has no time": (f"UPDATE orders SET finished_at = NULL WHERE order_id = {SALE}", {R.FINAL_STATE}),
    "a filled order has no fill": (
        f"UPDATE orders SET state = 'filled', finished_at = placed_at WHERE {IN_FLIGHT}",
        {R.ONE_FILL},
    ),
    "a refused order has a fill": (
        f"UPDATE orders SET state = 'refused', refusal = 'no' WHERE order_id = {SALE}",
        {R.ONE_FILL},
    ),
    "a fill is of another side": (
        "UPDATE fills SET side = 'BUY' WHERE symbol = 'XRPUSDT' AND side = 'SELL'",
        {R.ONE_FILL, R.POSITIONS, R.CASH, R.BOOK, R.REALISED_SUM, R.EQUITY_MARKS},
    ),
    "a fill is of no order": (
        f"DELETE FROM orders WHERE {STOP}",
        {R.ONE_FILL},
    ),
    "a stop loss names no position": (
        f"UPDATE orders SET position_id = 'position:x' WHERE {STOP}",
        {R.STOP_LOSS, R.DERIVED},
    ),
    "a stop loss is on another symbol than its position": (
        f"UPDATE orders SET symbol = 'ETHUSDT' WHERE {STOP}",
        {R.STOP_LOSS, R.ONE_FILL},
    ),
    "a stop loss came before its position": (f"UPDATE orders SET order_seq = 0 WHERE {STOP}", {R.STOP_LOSS}),
    "a stop loss came after its position": (
        "INSERT INTO orders SELECT 99, 'stop:' || position_id || ':1', cause, signal_id, position_id, 1, symbol, side, "
        "quantity, reference_price, volatility, placed_at, 'refused', finished_at, 'why not', strategy FROM orders "
        f"WHERE {STOP}",
        {R.STOP_LOSS},
    ),
    "an operator's order has no action": (
        "DELETE FROM operator_actions WHERE what = 'flatten'",
        {R.OPERATOR_ORDER},
    ),
    "an operator's order is of another action": (
        f"UPDATE orders SET action_id = (SELECT action_id FROM breaker WHERE {BY_OPERATOR}) WHERE {BY_OPERATOR}",
        {R.OPERATOR_ORDER, R.DERIVED, R.FLATTENED},
    ),
    "an operator's order names no position": (
        f"UPDATE orders SET position_id = 'position:x' WHERE {BY_OPERATOR}",
        {R.OPERATOR_ORDER, R.DERIVED},
    ),
    "an operator's order sells more than was held": (
        f"UPDATE orders SET quantity = quantity + 0.00000001 WHERE {BY_OPERATOR}",
        {R.OPERATOR_ORDER, R.ONE_FILL},
    ),
    "an action that closes positions has no order": (
        "INSERT INTO operator_actions SELECT 99, 'again', at, who, via, what, subject, why, details "
        "FROM operator_actions WHERE what = 'flatten'",
        {R.FLATTENED},
    ),
    "an operator reset the breaker without an action": (
        f"DELETE FROM operator_actions WHERE action_id = (SELECT action_id FROM breaker WHERE {BY_OPERATOR})",
        {R.OPERATOR_BREAKER},
    ),
    "an action tripped the breaker that was reset": (
        "UPDATE operator_actions SET what = 'trip_breaker' WHERE what = 'reset_breaker'",
        {R.OPERATOR_BREAKER},
    ),
    "an action has not changed the breaker": (
        "INSERT INTO operator_actions SELECT 99, 'again', at, who, via, what, subject, why, details "
        "FROM operator_actions WHERE what = 'reset_breaker'",
        {R.OPERATOR_BREAKER},
    ),
    "a number is given twice": ("UPDATE orders SET order_seq = 1 WHERE order_seq = 2", {R.UNIQUE}),
    "an order has two fills": (
        "INSERT INTO fills SELECT 99, 'fill:again', order_id, position_id, symbol, 'BUY', quantity, price, notional, "
        f"fee, slippage_bps, NULL, filled_at FROM fills WHERE order_id = {SALE}",
        {R.ONE_FILL, R.DERIVED, R.POSITIONS, R.CASH},
    ),
    "a fill's id is not its order's": ("UPDATE fills SET fill_id = 'fill:x' WHERE fill_seq = 2", {R.DERIVED}),
    "a fill is of another position": (
        "UPDATE fills SET position_id = 'position:x' WHERE fill_seq = 2",
        {R.DERIVED},
    ),
    "a strategy sells another's position": (
        f"UPDATE orders SET strategy = 'other_v1' WHERE order_id = {SALE}",
        {R.OWNER},
    ),
    "a signal's id is not its trade's": (
        f"UPDATE signals SET trade_id = trade_id + 1000 WHERE signal_id = {REJECTED}",
        {R.DERIVED},
    ),
    "an order's id is not its signal's": (
        f"UPDATE orders SET order_id = 'order:x' WHERE {IN_FLIGHT}",
        {R.DERIVED},
    ),
    "a notional is not price times quantity": (
        "UPDATE fills SET notional = notional + 0.00000001 WHERE fill_seq = 1",
        {R.NOTIONAL},
    ),
    "more is sold than was held": (
        f"UPDATE fills SET quantity = quantity * 2, notional = notional * 2 WHERE order_id = {SALE}",
        {R.NEVER_SHORT, R.ONE_FILL, R.REALISED, R.CASH, R.REALISED_SUM, R.BOOK, R.EQUITY_MARKS},
    ),
    "more is bought than there is cash": (
        "UPDATE test_adjustments SET amount = -100000, noted_at = noted_at - interval '1 hour'",
        {R.NEVER_OVERDRAWN, R.CASH, R.EQUITY, R.BOOK, R.LIMITS, R.DRAWDOWN, R.EQUITY_MARKS},
    ),
    "more is bought than one order can sell": (
        "UPDATE fills SET quantity = 2e15, price = price / (2e15 / quantity) WHERE symbol = 'SOLUSDT'",
        {R.SELLABLE, R.ONE_FILL, R.POSITIONS, R.BOOK, R.LIMITS, R.EQUITY_MARKS},
    ),
    "a result is wrong": (
        "UPDATE fills SET realised_pnl = realised_pnl + 0.00000001 WHERE side = 'SELL' AND fill_seq = "
        "(SELECT max(fill_seq) FROM fills WHERE side = 'SELL')",
        {R.REALISED},
    ),
    "a position's quantity is wrong": (
        "UPDATE positions SET quantity = quantity + 0.00000001 WHERE symbol = 'SOLUSDT'",
        {R.POSITIONS},
    ),
    "a position's cost is wrong": (
        "UPDATE positions SET cost = cost + 0.00000001 WHERE symbol = 'SOLUSDT'",
        {R.POSITIONS, R.EQUITY},
    ),
    "a position is missing": ("DELETE FROM positions WHERE symbol = 'BTCUSDT'", {R.POSITIONS}),
    "a position has no fills": (
        "INSERT INTO positions SELECT 'DOGEUSDT', position_id, 1, 0, opened_at, updated_at, strategy "
        "FROM positions LIMIT 1",
        {R.POSITIONS},
    ),
    "cash is wrong": ("UPDATE account SET cash = cash - 0.00000001", {R.CASH, R.EQUITY}),
    "a test adjustment is not noted": ("DELETE FROM test_adjustments", {R.CASH, R.EQUITY, R.BOOK, R.EQUITY_MARKS}),
    "the result is wrong": (
        "UPDATE account SET realised_pnl = realised_pnl + 0.00000001",
        {R.REALISED_SUM, R.EQUITY},
    ),
    "the account is missing": (
        "DELETE FROM account",
        {R.CASH, R.BOOK, R.LIMITS, R.DRAWDOWN, R.NEVER_OVERDRAWN, R.EQUITY_MARKS},
    ),
    "a mark of equity has another cash": (
        f"UPDATE equity_marks SET cash = cash + 0.01 {NEWEST_MARK}",
        {R.EQUITY_MARKS},
    ),
    "a mark of equity has another exposure": (
        f"UPDATE equity_marks SET exposure = exposure + 0.01 {NEWEST_MARK}",
        {R.EQUITY_MARKS},
    ),
    "a mark of equity has another drawdown": (
        f"UPDATE equity_marks SET drawdown = drawdown + 0.01 {NEWEST_MARK}",
        {R.EQUITY_MARKS},
    ),
    "a mark of equity is measured against nothing known": (
        f"UPDATE equity_marks SET reference_equity = 90000, drawdown = 0 {NEWEST_MARK}",
        {R.EQUITY_MARKS},
    ),
    "a mark of equity saw a fill that is not there": (
        f"UPDATE equity_marks SET fills_seen = 99 {NEWEST_MARK}",
        {R.EQUITY_MARKS},
    ),
    "a mark of equity has no price": (
        f"""UPDATE equity_marks SET marks = '{{"SOLUSDT": "abc"}}' {NEWEST_MARK}""",
        {R.EQUITY_MARKS},
    ),
    "a decision recorded another cash": (
        f"UPDATE decisions SET cash = cash + 0.01 WHERE signal_id = {PURCHASE}",
        {R.BOOK},
    ),
    "a decision recorded another equity": (
        f"UPDATE decisions SET equity = equity + 0.01 WHERE signal_id = {PURCHASE}",
        {R.BOOK},
    ),
    "a decision recorded another exposure before it": (
        f"UPDATE decisions SET exposure_before = 0 WHERE signal_id = {PURCHASE}",
        {R.BOOK},
    ),
    "a decision recorded another exposure after it": (
        f"UPDATE decisions SET exposure_after = 0 WHERE signal_id = {PURCHASE}",
        {R.BOOK},
    ),
    "a decision recorded another position after it": (
        f"UPDATE decisions SET position_after = 0 WHERE signal_id = {PURCHASE}",
        {R.BOOK},
    ),
    "a decision saw a fill that is not there": (
        f"UPDATE decisions SET fills_seen = 99 WHERE signal_id = {REJECTED}",
        {R.BOOK},
    ),
    "a decision recorded no price": (
        f"""UPDATE decisions SET marks = '{{"SOLUSDT": "abc"}}' WHERE signal_id = {PURCHASE}""",
        {R.BOOK},
    ),
    "an approval went over the exposure limit": (
        f"""UPDATE decisions SET limits = limits || '{{"max_exposure": "0.2"}}' WHERE signal_id = {PURCHASE}""",
        {R.LIMITS},
    ),
    "an approval went over the position limit": (
        f"""UPDATE decisions SET limits = limits || '{{"max_position": "0.08"}}' WHERE signal_id = {PURCHASE}""",
        {R.LIMITS},
    ),
    "an approval recorded an active breaker": (
        f"UPDATE decisions SET breaker_active = true WHERE signal_id = {PURCHASE}",
        {R.BREAKER},
    ),
    "an approval came before the breaker was reset": (
        "UPDATE breaker SET changed_at = changed_at + interval '1 hour' WHERE NOT active",
        {R.BREAKER},
    ),
    "an approval came at the drawdown limit": (
        f"""UPDATE decisions SET limits = limits || '{{"max_daily_drawdown": "0"}}' WHERE signal_id = {PURCHASE}""",
        {R.DRAWDOWN},
    ),
    "an approval measured drawdown against nothing known": (
        f"UPDATE decisions SET reference_equity = 90000 WHERE signal_id = {PURCHASE}",
        {R.DRAWDOWN},
    ),
}
