"""How many notifications are stored."""

from typing import Annotated

from pydantic import Field

from services.settings import Settings


class NotificationSettings(Settings):
    """What the operator may set."""

    keep: Annotated[int, Field(ge=1, le=1_000_000)] = Field(10_000, validation_alias="CDB_NOTIFICATIONS_KEEP")
