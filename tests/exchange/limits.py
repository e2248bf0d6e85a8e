"""When an exchange ends a connection or refuses something."""

from dataclasses import dataclass, field
from typing import Final

DAY_S: Final = 86_400.0


@dataclass(frozen=True)
class RestLimits:
    """At most so many units in so many seconds; then 429, and *banned* for who does not stop."""

    most: float
    seconds: float
    banned: int = 403
    ban_s: float = 120.0
    weights: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """None: the server never pings, or never closes for this reason."""

    rest: RestLimits
    messages_per_s: int
    subscriptions: int
    lifetime_s: float = DAY_S
    no_subscription_s: float | None = None
    silence_s: float | None = None
    ping_every_s: float | None = None
    pong_within_s: float = 60.0
