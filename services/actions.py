"""What operators do, by a command or on the console: each action is a row of the ledger's operator_actions."""

from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

Via = Literal["command", "console"]
What = Literal[
    "trip_breaker",
    "reset_breaker",
    "flatten",
    "resend_dead_letter",
    "discard_dead_letter",
    "silence_alert",
    "expire_silence",
]


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for. The caller chooses *action_id*: asked again under the same id, it has no further effect.

    *subject* is what it is done to, such as a symbol, a dead letter's id or an alert's name; empty if that is all.
    """

    action_id: str
    what: What
    subject: str = ""
    who: str
    via: Via
    why: str = ""


class Refused(Exception):
    """An action that cannot be done now; the text says why. Nothing was changed."""


class Recorded(NamedTuple):
    """An action that the ledger has, with its figures: amounts in the quote asset and shares, as texts."""

    action: Action
    at: datetime
    details: dict[str, Any]
