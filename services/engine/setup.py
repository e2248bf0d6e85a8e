"""What an engine is made of: the settings of all its services, read from one environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from services import plugins
from services.core import strategies
from services.core.settings import CoreSettings
from services.core.strategies.port import Strategy
from services.execution.settings import ExecutionSettings
from services.execution.venue import VenueSettings
from services.ledger.connection import LedgerAddress
from services.risk.limits import Limits
from services.risk.settings import RiskSettings
from services.settings import read


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Which symbols are traded, by which strategies, within which limits, where fills are made and what is kept."""

    symbols: frozenset[str]
    strategies: tuple[Callable[[], Strategy], ...]
    limits: Limits
    opening_cash: Decimal
    venue: VenueSettings
    address: LedgerAddress

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Setup":
        """Take all of it from *environment*. Raises BadSettings, UnknownPlugin."""
        core, risk = read(CoreSettings, environment), read(RiskSettings, environment)
        found = [plugins.find(strategies, name, "STRATEGY", path=core.plugin_path) for name in core.strategies]
        return cls(
            symbols=frozenset(core.symbols),
            strategies=tuple(partial(strategy, read(strategy.settings, environment)) for strategy in found),
            limits=risk.limits,
            opening_cash=risk.opening_cash,
            venue=read(ExecutionSettings, environment).venue,
            address=LedgerAddress.of(risk),
        )
