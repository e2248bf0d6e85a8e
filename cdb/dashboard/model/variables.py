"""Fill in what Grafana fills in before it asks Prometheus: $symbol, $__rate_interval and the like."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cdb.dashboard.model.dashboards import Dashboard, Variable

# No variable begins with a digit: $1 belongs to label_replace.
_USE: Final = re.compile(r"\$(?:\{(?P<braced>[a-zA-Z_]\w*)(?::\w+)?\}|(?P<bare>[a-zA-Z_]\w*))")
_LABEL_VALUES: Final = re.compile(r"label_values\((?:(?P<selector>.+),)?\s*(?P<label>[a-zA-Z_]\w*)\s*\)", re.DOTALL)
_ONE_OR_MORE: Final = re.compile(r"[.+*?()\[\]{}|^$\\]")


@dataclass(frozen=True)
class Interval:
    """What is known of time when a panel asks, all in seconds."""

    range_s: float = 900.0
    step_s: float = 15.0
    rate_s: float = 60.0
    """What $__rate_interval is: four scrapes."""

    def texts(self) -> dict[str, str]:
        """Return Grafana's own variables."""
        return {
            "__interval": f"{max(1, round(self.step_s))}s",
            "__interval_ms": f"{round(self.step_s * 1000)}",
            "__rate_interval": f"{max(1, round(self.rate_s))}s",
            "__range": f"{max(1, round(self.range_s))}s",
            "__range_s": f"{round(self.range_s)}",
            "__range_ms": f"{round(self.range_s * 1000)}",
        }


Choice = Mapping[str, tuple[str, ...]]
"""The chosen values of each variable; none chosen is all of them."""


class UnknownVariable(ValueError):
    """A query uses a variable that its dashboard does not have."""


def uses(text: str) -> list[str]:
    """Return the variables that *text* uses, in its order."""
    return [_name(found) for found in _USE.finditer(text)]


def substitute(text: str, dashboard: Dashboard, choice: Choice | None = None, interval: Interval | None = None) -> str:
    """Return *text* as Prometheus is asked it: several values become a regular expression, all of them .*.

    Raise UnknownVariable if *dashboard* lacks a variable.
    """
    own = (interval or Interval()).texts()
    variables = {variable.name: variable for variable in dashboard.variables}

    def value(found: re.Match[str]) -> str:
        name = _name(found)
        if name in own:
            return own[name]
        if name not in variables:
            raise UnknownVariable(f"${name} is no variable of {dashboard.title}")
        return _chosen(variables[name], (choice or {}).get(name, ()))

    return _USE.sub(value, text)


def _name(found: re.Match[str]) -> str:
    return str(found["braced"] or found["bare"])


def _chosen(variable: Variable, values: tuple[str, ...]) -> str:
    if not values:
        return variable.all_value or ".*"
    escaped = [_ONE_OR_MORE.sub(r"\\\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def asked_by(variable: Variable) -> tuple[str, str] | None:
    """Return selector (may be empty) and label that *variable* takes its values from; None: it does not."""
    if variable.type != "query":
        return None
    found = _LABEL_VALUES.fullmatch(variable.asks.strip())
    return ((found["selector"] or "").strip(), found["label"]) if found else None


def choices(dashboard: Dashboard, label_values: Callable[[str, str], tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the values that each variable of *dashboard* offers; *label_values* is given a selector and a label."""
    asked = {variable.name: asked_by(variable) for variable in dashboard.variables}
    return {name: label_values(*one) for name, one in asked.items() if one is not None}
