"""Fill in what Grafana fills in before it asks Prometheus: $symbol, $__rate_interval and the like."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from cdb.dashboard.model.dashboards import Dashboard, Variable

# No variable begins with a digit: $1 belongs to label_replace.
_USE: Final = re.compile(r"\$(?:\{(?P<braced>[a-zA-Z_]\w*)(?::\w+)?\}|(?P<bare>[a-zA-Z_]\w*))")
_LABEL_VALUES: Final = re.compile(r"label_values\((?P<selector>.+),\s*(?P<label>[a-zA-Z_]\w*)\s*\)", re.DOTALL)
_ONE_OR_MORE: Final = re.compile(r"[.+*?()\[\]{}|^$\\]")
_RATE_INTERVAL: Final = "60s"
"""Four scrapes."""

Choice = Mapping[str, tuple[str, ...]]
"""The chosen values of each variable; none chosen is all of them."""


class UnknownVariable(ValueError):
    """A query uses a variable that its dashboard does not have."""


def substitute(text: str, dashboard: Dashboard, choice: Choice | None = None, range_s: float = 900.0) -> str:
    """Write *text* as Prometheus is asked it: several values become a regular expression, all of them .*.

    Raises UnknownVariable if *dashboard* lacks a variable.
    """
    own = {"__rate_interval": _RATE_INTERVAL, "__range": f"{max(1, round(range_s))}s"}
    variables = {variable.name: variable for variable in dashboard.variables}

    def value(found: re.Match[str]) -> str:
        name = str(found["braced"] or found["bare"])
        if name in own:
            return own[name]
        if name not in variables:
            known = ", ".join(f"${one}" for one in (*variables, *own))
            raise UnknownVariable(f"${name} is not a variable of {dashboard.title}; known: {known}")
        return _chosen(variables[name], (choice or {}).get(name, ()))

    return _USE.sub(value, text)


def _chosen(variable: Variable, values: tuple[str, ...]) -> str:
    if not values:
        return variable.all_value or ".*"
    escaped = [_ONE_OR_MORE.sub(r"\\\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def asked_by(variable: Variable) -> tuple[str, str] | None:
    """Selector and label that *variable* takes its values from; None if its query is none that is supported."""
    found = _LABEL_VALUES.fullmatch(variable.asks)
    return (found["selector"].strip(), found["label"]) if found else None


def choices(dashboard: Dashboard, label_values: Callable[[str, str], tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Ask *label_values*, given a selector and a label, for what each variable of *dashboard* offers."""
    asked = {variable.name: asked_by(variable) for variable in dashboard.variables}
    return {name: label_values(*one) for name, one in asked.items() if one is not None}
