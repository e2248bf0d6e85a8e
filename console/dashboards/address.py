"""What the address of a dashboard asks for, by Grafana's names: from, to, refresh, var-symbol."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from cdb.dashboard.model.ask import Window
from services import durations
from services.runtime.parameters import BadRequest

RANGES: Final = ("5m", "15m", "1h", "6h", "24h", "7d")
REFRESHES: Final = ("off", "5s", "10s", "30s", "1m")
USUAL_RANGE: Final = "15m"
SHORTEST: Final = timedelta(seconds=30)
LONGEST: Final = timedelta(days=31)
LEAST_REFRESH: Final = timedelta(seconds=5)
MOST_REFRESH: Final = timedelta(days=1)
MOST_VALUES: Final = 50
ALL: Final = frozenset({"", "All", "$__all"})
"""How Grafana writes that none is chosen."""
_VARIABLE: Final = "var-"
_VALUE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_RELATIVE: Final = re.compile(r"now(?:-[0-9]{1,9}[smhdw])?")
_MILLISECONDS: Final = re.compile("[0-9]{9,14}")
_ALLOWED: Final = (
    "now, now-15m (with s, m, h, d or w), a time such as 2026-12-01T10:00Z (Z is UTC; or +01:00 and the like) or Unix"
    " milliseconds"
)


@dataclass(frozen=True)
class View:
    """The time that is shown, how often it is asked for again (0: not), and the chosen values of variables.

    *start* and *end* are written as in the address.
    """

    start: str
    end: str
    refresh_s: int
    choice: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def key(self) -> tuple[object, ...]:
        """Tells this view from others."""
        return (self.start, self.end, self.refresh_s, *sorted(self.choice.items()))

    @property
    def range(self) -> str:
        """Length of a time that ends now, as it is offered; empty for any other."""
        return self.start.removeprefix("now-") if self.end == "now" and self.start.startswith("now-") else ""

    @property
    def refresh(self) -> str:
        """How often it is asked for again, as it is offered."""
        return durations.written(timedelta(seconds=self.refresh_s)) if self.refresh_s else "off"

    @property
    def times(self) -> tuple[str, str]:
        """Start and end as the form has them: Unix milliseconds are written as a time in UTC."""
        return _readable(self.start), _readable(self.end)

    def window(self, now_s: float) -> Window:
        """The time that is shown at the Unix time *now_s*."""
        start, end = _seconds(self.start, now_s), _seconds(self.end, now_s)
        return Window(end, end - start, self.choice)

    def address(self, *, start: str = "", end: str = "") -> str:
        """What follows the question mark of an address with this view, or with another time."""
        times = [("from", start or self.start), ("to", end or self.end), ("refresh", self.refresh)]
        values = [(f"{_VARIABLE}{name}", value) for name, values in self.choice.items() for value in values]
        return urlencode([*times, *values])


def read(given: MultiDict[str, str], *, refresh: str, known: Mapping[str, tuple[str, ...]]) -> View:
    """Read what is *given*, without a check of its times; without it the last minutes, again every *refresh*.

    *known* has the values of each variable of the dashboard, as far as they are known. Raises BadRequest.
    """
    return View(
        start=given.get("from", "").strip() or f"now-{USUAL_RANGE}",
        end=given.get("to", "").strip() or "now",
        refresh_s=_refresh(given.get("refresh"), refresh),
        choice=_choice(given, known),
    )


def wrong_times(view: View, now_s: float) -> str:
    """Why the times of *view* cannot be shown at the Unix time *now_s*, and what can; empty if they can be."""
    for name, given in (("from", view.start), ("to", view.end)):
        if not _is_time(given):
            return f"{name} must be {_ALLOWED}; got {given!r:.80}"
    length = _seconds(view.end, now_s) - _seconds(view.start, now_s)
    if SHORTEST.total_seconds() <= length <= LONGEST.total_seconds():
        return ""
    allowed = f"{durations.written(SHORTEST)} to {durations.written(LONGEST)}"
    return f"from must be {allowed} before to; got {view.start!r:.80} and {view.end!r:.80}"


def offered(given: str) -> str:
    """Range *given* by the form. Raises BadRequest for one that is not offered."""
    if given not in RANGES:
        raise BadRequest(f"range must be one of {', '.join(RANGES)}; got {given!r:.80}")
    return given


def _is_time(given: str) -> bool:
    if not _RELATIVE.fullmatch(given):
        return bool(_MILLISECONDS.fullmatch(f"{_milliseconds(given)}"))
    try:
        return _back(given) >= timedelta()
    except durations.BadDuration:
        return False


def _back(given: str) -> timedelta:
    """How long before now *given* is. Raises BadDuration if that is more than a century."""
    back = given.removeprefix("now").removeprefix("-")
    return durations.parse(back) if back.strip("0smhdw") else timedelta()


def _milliseconds(given: str) -> int | None:
    """Unix time of an absolute time, None for any other text."""
    if _MILLISECONDS.fullmatch(given):
        return int(given)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return None
    return round(1000 * moment.timestamp()) if moment.tzinfo else None


def _readable(given: str) -> str:
    if not _MILLISECONDS.fullmatch(given):
        return given
    moment = datetime.fromtimestamp(int(given) / 1000, UTC)
    return moment.isoformat(timespec="auto" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _seconds(given: str, now_s: float) -> float:
    if (absolute := _milliseconds(given)) is not None:
        return absolute / 1000
    return now_s - _back(given).total_seconds()


def _refresh(given: str | None, usual: str) -> int:
    if given in {"", "off"}:
        return 0
    try:
        length = durations.parse(usual if given is None else given, least=LEAST_REFRESH, most=MOST_REFRESH)
    except durations.BadDuration as error:
        if given is None:
            return 0
        raise BadRequest(f"refresh must be off or a length of time such as 5s: {error}") from error
    return int(length.total_seconds())


def _choice(given: MultiDict[str, str], known: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Chosen values of the variables in *known*; those of other dashboards are left out."""
    choice = {}
    for name, offers in known.items():
        values = tuple(dict.fromkeys(given.getlist(f"{_VARIABLE}{name}")))
        if ALL & {*values}:
            continue
        if len(values) > MOST_VALUES:
            raise BadRequest(f"{_VARIABLE}{name} can have at most {MOST_VALUES} values; got {len(values)}")
        for value in values:
            if not _VALUE.fullmatch(value) or (offers and value not in offers):
                allowed = ", ".join(offers) or "letters, digits and . _ : -"
                raise BadRequest(f"{_VARIABLE}{name} must be one of {allowed}; got {value!r:.80}")
        if values:
            choice[name] = values
    return choice
