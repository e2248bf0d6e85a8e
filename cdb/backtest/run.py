"""Run one backtest: a PostgreSQL of its own, an engine on it, all rows through it; read what came out."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from cdb.backtest.curve import LOOK_EVERY_NS, Curve
from cdb.performance.rows import Filled, fills_of
from cdb.replay.quiet import why_no_signal
from cdb.replay.saved import Replays, address_of
from cdb.replay.settings import environment
from cdb.replay.summary import Feed, Summary, summarise
from cdb.replay.tape import Tape, merged
from cdb.replay.unhandled import unhandled
from cdb.running.errors import StackError
from services.bus.dead_letters import Letter
from services.bus.memory import Stream
from services.clock import to_datetime
from services.decoding import prepared
from services.engine.engine import Engine
from services.engine.ground import EngineBroken, Ground
from services.engine.setup import Setup
from services.ledger.connection import Ledger, LedgerAddress
from services.ledger.results import closed_trades, equity_curve
from services.messages import DeadLetter, decode
from services.performance.equity import EquityCurve
from services.performance.trades import TradeFigures, figures_by
from services.plugins import UnknownPlugin
from services.runtime import logs
from services.topology import DEAD_LETTERS
from services.ws.tape.order import Row
from services.ws.trades import RawTrade
from telemetry.setup import record_nothing

PARTS: Final = ("postgres", "migrate")
_TELL_EVERY_S: Final = 0.2

OnProgress = Callable[[int, int], None]
"""Is told how many rows are done and the newest one's time in nanoseconds."""


class Interrupted(Protocol):
    """Whether a backtest shall end early: an event of threads, or one of processes."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Request:
    """What goes through which bot. Times are in nanoseconds since 1970, *until_ns* is left out itself."""

    tapes: Sequence[Tape]
    settings: dict[str, str]
    since_ns: int | None = None
    until_ns: int | None = None
    save_as: str | None = None


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """The whole result. *ended_at_ns* is None unless it was interrupted: then it is the newest row's time."""

    summary: Summary
    figures: TradeFigures
    by_symbol: dict[str, TradeFigures]
    by_strategy: dict[str, TradeFigures]
    equity: EquityCurve
    curve: Curve
    fills: Sequence[Filled]
    rows_per_second: float
    ended_at_ns: int | None

    @property
    def fees(self) -> Decimal:
        """Those of all fills, also of trades that are not closed."""
        return sum((fill.fee for fill in self.fills), Decimal(0))


def run(replays: Replays, request: Request, on_progress: OnProgress, interrupted: Interrupted) -> Backtest:
    """Put all rows through, or those until *interrupted* is set. Raises StackError; nothing is left running."""
    be_quiet()
    name = request.save_as or f"unnamed-{time.time_ns()}"
    symbols = sorted({symbol for tape in request.tapes for symbol in tape.symbols})
    told = environment(request.settings, symbols)
    with replays.running(name, PARTS, told) as stack:
        address = address_of(stack.config)
        passage = traded(request, stack.config.process_environment(), address, on_progress, interrupted)
        if not passage.engine.feed.published and not interrupted.is_set():
            raise StackError("none of the trades is in the span of --from and --to")
        if request.save_as:
            replays.keep(name)
        return result_of(request, passage, address, interrupted=interrupted.is_set())


def be_quiet() -> None:
    """Let this process log and record nothing: what matters of a backtest is in its result."""
    logs.configure("cdb-backtest", level="CRITICAL", log_format="console")
    record_nothing()


def traded(
    request: Request,
    environment: Mapping[str, str],
    address: LedgerAddress,
    on_progress: OnProgress,
    interrupted: Interrupted,
) -> "Passage":
    """Put the rows through an engine with the settings in *environment*, on the ledger at *address*.

    Raises StackError.
    """
    ground = Ground(address)
    engine = Engine(_setup(environment), ground)
    passage = Passage(engine, ground.streams.stream(DEAD_LETTERS), on_progress)
    try:
        engine.start()
        passage.through(chosen(merged(request.tapes), request.since_ns, request.until_ns), interrupted)
        engine.finish()
    except EngineBroken as broken:
        raise StackError(f"the backtest cannot go on: {broken}") from broken
    return passage


def chosen(rows: Iterator[Row], since_ns: int | None, until_ns: int | None) -> Iterator[Row]:
    """Leave out trades before *since_ns* and from *until_ns* on."""
    if since_ns is None and until_ns is None:
        return rows
    begin, end = since_ns or 0, 2**63 if until_ns is None else until_ns
    return (row for row in rows if not isinstance(row, RawTrade) or begin <= row.ts_event < end)


class Passage:
    """Rows on their way through an engine, and what is seen on the way."""

    def __init__(self, engine: Engine, put_aside: Stream, on_progress: OnProgress) -> None:
        self.engine = engine
        self.put_aside = put_aside
        self.curve = Curve()
        self.rows = 0
        self.newest_ns = 0
        self.seconds = 0.0
        self._on_progress = on_progress

    def through(self, rows: Iterator[Row], interrupted: Interrupted) -> None:
        """Take *rows* in until there are none or *interrupted* is set; what was taken in is done with then."""
        began = told = time.monotonic()
        while not interrupted.is_set() and (some := self._some(rows)):
            self.engine.take_in(some)
            self.rows += len(some)
            if (portfolio := self.engine.portfolio()) is not None:
                self.curve.look(self.newest_ns, portfolio)
            if time.monotonic() - told > _TELL_EVERY_S:
                told = time.monotonic()
                self._on_progress(self.rows, self.newest_ns)
        self.seconds = time.monotonic() - began
        self._on_progress(self.rows, self.newest_ns)

    def _some(self, rows: Iterator[Row]) -> list[Row]:
        """As many rows as the engine takes at once, of no longer time than from one look to the next."""
        found: list[Row] = []
        most, end_ns = self.engine.at_once, 0
        for row in rows:
            found.append(row)
            if isinstance(row, RawTrade):
                self.newest_ns = max(self.newest_ns, row.ts_event)
                end_ns = end_ns or self.newest_ns + LOOK_EVERY_NS
            if len(found) >= most or self.newest_ns >= end_ns > 0:
                break
        return found


def _setup(settings: Mapping[str, str]) -> Setup:
    try:
        setup = Setup.read(settings)
        for make in setup.strategies:
            make()
    except UnknownPlugin as error:
        raise StackError(f"CDB_STRATEGIES={settings.get('CDB_STRATEGIES', '')!r} is refused: {error}") from error
    except (Exception, SystemExit) as error:  # somebody's class may be no strategy, and do anything
        said = f"{type(error).__name__}: {error}"
        raise StackError(f"CDB_STRATEGIES={settings.get('CDB_STRATEGIES', '')!r} is refused: {said}") from error
    return setup


def result_of(request: Request, passage: Passage, address: LedgerAddress, *, interrupted: bool) -> Backtest:
    """Read what came out, from the ledger and from what was seen on the way. Raises ServerAway."""
    letters = _letters(passage.put_aside)
    with closing(Ledger(address, application="cdb-backtest")) as ledger:
        feed = msgspec.convert(passage.engine.feed.as_dict(), prepared(Feed))
        summary = summarise(ledger, feed, saved_as=request.save_as)
        fills, trades, equity = fills_of(ledger), closed_trades(ledger), equity_curve(ledger)
    ended = to_datetime(passage.newest_ns)
    if equity.newest is not None and ended > equity.newest.at:
        equity.add(ended, summary.equity)  # the last minute has not ended
    whole = not interrupted and request.since_ns is None and request.until_ns is None
    return Backtest(
        summary=replace(
            summary,
            dead_letters=passage.put_aside.end,
            unhandled=tuple(unhandled(letters, request.tapes)),
            notes=tuple(note for tape in request.tapes for note in tape.notes),
            why_no_signal="" if summary.signals or not whole else why_no_signal(request.tapes, request.settings),
        ),
        figures=TradeFigures(trades),
        by_symbol=figures_by("symbol", trades),
        by_strategy=figures_by("strategy", trades),
        equity=equity,
        curve=passage.curve,
        fills=fills,
        rows_per_second=passage.rows / passage.seconds if passage.seconds else 0.0,
        ended_at_ns=passage.newest_ns if interrupted else None,
    )


def _letters(put_aside: Stream) -> list[Letter]:
    found = []
    for entry in put_aside.entries:
        assert entry is not None and entry.data is not None  # noqa: S101, PT018  nobody removes dead letters here
        content = decode(DEAD_LETTERS, entry.data)
        assert isinstance(content, DeadLetter)  # noqa: S101  the stream's one type
        found.append(Letter(entry.id, content, "", entry.data))
    return found
