"""Files of trades for tests: each holds the same trades in another form."""

from collections.abc import Iterable
from pathlib import Path

from services.ws.tape.reader import read_tape
from services.ws.tape.rows import Reading
from services.ws.trades import RawTrade, Refusal

HEADER = "ts_ms,trade_id,symbol,side,price,quantity"
NOON_MS = 1_735_732_800_123  # 2025-01-01 12:00:00.123 UTC


def row(place: int, **changes: object) -> str:
    """The row of one of the trades in the documented form: a second and 0.1 after the last one."""
    cells = {
        "ts_ms": NOON_MS + 1_000 * place,
        "trade_id": 700 + place,
        "symbol": "ETHUSDT",
        "side": "sell" if place % 2 else "buy",
        "price": f"{100 + place / 10:.1f}",
        "quantity": "2.5",
    }
    return ",".join(str(cell) for cell in {**cells, **changes}.values())


def written(folder: Path, lines: Iterable[str], *, name: str = "tape.csv") -> Path:
    """A text file of *lines*."""
    file = folder / name
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def rows_in(file: Path, **reading: object) -> list[RawTrade | Refusal]:
    """What each row of *file* holds."""
    return list(read_tape(file, Reading(**reading)))  # type: ignore[arg-type]


def essence(rows: Iterable[RawTrade | Refusal]) -> list[tuple[object, ...]]:
    """What makes a trade the same one in every form: not its id nor its line."""
    return [
        (item.symbol, item.side, item.price, item.quantity, item.ts_event)
        if isinstance(item, RawTrade)
        else (item.origin, item.reason, item.detail)
        for item in rows
    ]
