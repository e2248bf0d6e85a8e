"""What Alertmanager posts to a webhook, version 4."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Status = Literal["firing", "resolved"]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class BadWebhook(Exception):
    """A body that is not what Alertmanager posts; the text says where and what is allowed."""


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """One alert of a notification; *ends_at* means something only once it is resolved."""

    status: Status
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Moment
    ends_at: Moment
    fingerprint: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    generator_url: str = msgspec.field(default="", name="generatorURL")


class Webhook(msgspec.Struct, frozen=True, rename="camel"):
    """One notification: the alerts of one group that began or ended, or that still fire."""

    version: Literal["4"]
    receiver: str
    alerts: list[Alert]
    truncated_alerts: int = 0


_decoder = msgspec.json.Decoder(Webhook)


def parse(body: bytes) -> Webhook:
    """Read a body; raise BadWebhook."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadWebhook(f"this is no notification of Alertmanager (webhook, version 4): {error}") from error
