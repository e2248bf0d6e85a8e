"""When a span of time begins that is looked at."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Since:
    """When a span of time begins: a length before its end, or a moment; None is the account's beginning."""

    when: timedelta | datetime | None = None

    def before(self, end: datetime) -> datetime | None:
        """The moment at which a span begins that ends at *end*."""
        return end - self.when if isinstance(self.when, timedelta) else self.when

    def includes(self, when: datetime, *, end: datetime) -> bool:
        """Whether *when* is not before the span that ends at *end*."""
        begin = self.before(end)
        return begin is None or when >= begin
