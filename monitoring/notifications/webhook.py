"""What Alertmanager posts to a webhook, version 4."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from services.decoding import prepared

Status = Literal["firing", "resolved"]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class BadWebhook(Exception):
    """The body is not a notification of Alertmanager; the message says where and what is allowed."""


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """One alert of a notification; *ends_at* is valid only if it is resolved."""

    status: Status
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Moment
    ends_at: Moment
    fingerprint: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    generator_url: str = msgspec.field(default="", name="generatorURL")


class Webhook(msgspec.Struct, frozen=True, rename="camel"):
    """One notification: alerts of one group that began, still fire or ended."""

    version: Literal["4"]
    receiver: str
    alerts: list[Alert]
    truncated_alerts: int = 0


_decoder = msgspec.json.Decoder(prepared(Webhook))


def parse(body: bytes) -> Webhook:
    """Read a body. Raises BadWebhook."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadWebhook(f"this is no notification of Alertmanager (webhook, version 4): {error}") from error
