"""Why a replay gave no signal: the largest move of its prices beside what momentum_v1 asks for."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from cdb.replay.tape import Tape, merged
from services.clock import EventClock
from services.core.settings import CoreSettings
from services.core.strategies.momentum_v1 import Momentum, MomentumSettings
from services.settings import read
from services.ws.trades import RawTrade, TradeCheck


def why_no_signal(tapes: Sequence[Tape], environment: Mapping[str, str]) -> str:
    """One sentence; empty if other strategies run than momentum_v1."""
    strategies = str(environment.get("CDB_STRATEGIES") or ",".join(CoreSettings.model_fields["strategies"].default))
    if Momentum.name not in {name.strip() for name in strategies.split(",")}:
        return ""
    settings = read(MomentumSettings, environment)
    move, where = largest_move(tapes, settings)
    asked = f"MOMENTUM_THRESHOLD_PCT={settings.threshold} asks for {float(100 * settings.threshold):g} %"
    also = f", with at least {settings.minimum_volume:f} traded" if abs(move) >= settings.threshold else ""
    return f"no signal: the largest move within {settings.lookback_s:g} s is {100 * move:.4f} % {where}; {asked}{also}"


def largest_move(tapes: Sequence[Tape], settings: MomentumSettings) -> tuple[Decimal, str]:
    """The largest momentum on which momentum_v1 could have acted, and where: on a late trade it does not."""
    symbols = {symbol for tape in tapes for symbol in tape.symbols}
    memories = {symbol: Momentum(settings) for symbol in symbols}
    check = TradeCheck(symbols, EventClock())
    largest, where = Decimal(0), ""
    for row in merged(tapes):
        if isinstance(row, RawTrade) and check.objection(row) is None:
            memory = memories[row.symbol]
            memory.take_in(row.ts_event, row.price, row.quantity)
            move = memory.momentum()
            if not row.late and abs(move) > abs(largest):
                largest, where = move, f"({row.symbol}, {row.origin})"
    return largest, where
