"""What an operator can do on the console: each deed says first what it would do, in figures, and is done on a POST."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

from cdb.alerts import silences
from cdb.alerts.alerts import Firing, fires_now
from cdb.kit.errors import CommandError, Refused
from cdb.kit.operators import Acted, OperatorClient
from console.ground import Ground
from services.clock import to_datetime

SILENCE_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Asked:
    """Who wants it, why, and about what; *action_id* makes that it is done once, however often it is sent."""

    who: str
    why: str
    action_id: str
    subject: str = ""


class Deed(Protocol):
    """One kind of deed. Both methods raise Refused if it is not possible now, Away if a server does not answer."""

    def preview(self, ground: Ground, asked: Asked) -> dict[str, Any]:
        """Say in figures what `do` would do."""
        ...

    def do(self, ground: Ground, asked: Asked) -> str:
        """Do it, and say in a sentence what was done."""
        ...


@dataclass(frozen=True)
class ByRisk:
    """Done by cdb_risk: its endpoint, what is asked of it, the field that takes the subject, and the sentence."""

    path: str
    done: str
    fields: Mapping[str, object]
    subject_field: str = ""
    several: bool = False
    """The subject is one of a list; without one, all are meant."""

    def preview(self, ground: Ground, asked: Asked) -> dict[str, Any]:
        with _client(ground, asked) as client:
            return client.preview(self.path, **self._fields(asked)).details

    def do(self, ground: Ground, asked: Asked) -> str:
        with _client(ground, asked) as client:
            acted = client.act(self.path, **self._fields(asked))
        return self.done.format(count=_count(acted))

    def _fields(self, asked: Asked) -> dict[str, object]:
        if self.several:
            return {**self.fields, **({"ids": [asked.subject]} if asked.subject else {"all": True})}
        return {**self.fields, **({self.subject_field: asked.subject} if asked.subject else {})}


class SilenceAlert:
    """Lets nobody be told of one alert for an hour."""

    def preview(self, ground: Ground, asked: Asked) -> dict[str, Any]:
        alert = _alert(ground, asked.subject)
        ends_at = to_datetime(ground.clock.now_ns()) + SILENCE_FOR
        return {"alert": alert.labels, "summary": alert.annotations.get("summary", ""), "until": ends_at.isoformat()}

    def do(self, ground: Ground, asked: Asked) -> str:
        details = self.preview(ground, asked)
        labels = details["alert"]
        name = labels.get("alertname", "")
        now = to_datetime(ground.clock.now_ns())
        made = silences.silence(
            ground.alertmanager, labels, now=now, for_=SILENCE_FOR, who=asked.who, why=asked.why or "on the console"
        )
        try:
            with _client(ground, asked) as client:
                client.act("actions", action="silence_alert", subject=name, details={**details, "silence": made})
        except CommandError:
            silences.end(ground.alertmanager, made)  # nothing without its row in the ledger
            raise
        return f"{name} is silenced for an hour."


class ExpireSilence:
    """Ends a silence."""

    def preview(self, ground: Ground, asked: Asked) -> dict[str, Any]:
        return self._details(_silence(ground, asked.subject))

    def do(self, ground: Ground, asked: Asked) -> str:
        found = _silence(ground, asked.subject)
        details = self._details(found)
        alert = next((one.value for one in found.matchers if one.name == "alertname"), asked.subject)
        with _client(ground, asked) as client:
            client.act("actions", action="expire_silence", subject=alert, details=details)
        silences.end(ground.alertmanager, asked.subject)
        return "The silence has ended."

    @staticmethod
    def _details(found: silences.Silence) -> dict[str, Any]:
        matchers = {str(one.name): str(one) for one in found.matchers}
        return {"silence": found.id, "matchers": matchers, "until": found.ends_at.isoformat()}


DEEDS: Final[dict[str, Deed]] = {
    "trip": ByRisk("breaker", "The circuit breaker has tripped: cdb_risk approves no purchase.", {"action": "trip"}),
    "reset": ByRisk("breaker", "The circuit breaker is reset: purchases are possible again.", {"action": "reset"}),
    "flatten": ByRisk("flatten", "Orders to sell were placed: {count}.", {}, subject_field="symbol"),
    "resend": ByRisk("dead-letters", "Sent again: {count}.", {"action": "resend"}, several=True),
    "discard": ByRisk("dead-letters", "Discarded: {count}.", {"action": "discard"}, several=True),
    "silence": SilenceAlert(),
    "expire": ExpireSilence(),
}


def _client(ground: Ground, asked: Asked) -> OperatorClient:
    settings = ground.settings
    token = settings.operator_token.get_secret_value()
    return OperatorClient(settings.risk, token, who=asked.who, via="console", why=asked.why, action_id=asked.action_id)


def _alert(ground: Ground, fingerprint: str) -> Firing:
    found = next((one for one in fires_now(ground.alertmanager) if one.fingerprint == fingerprint), None)
    if found is None:
        raise Refused("this alert does not fire now")
    return found


def _silence(ground: Ground, silence_id: str) -> silences.Silence:
    found = next((one for one in silences.active(ground.alertmanager) if one.id == silence_id), None)
    if found is None:
        raise Refused("there is no such silence now")
    return found


def _count(acted: Acted) -> int:
    details = acted.details
    if "positions" in details:
        return sum(1 for one in details["positions"] if one["order_id"])
    return int(details.get("resent", details.get("discarded", 0)))
