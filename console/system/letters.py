"""Dead letters with what is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import redis

from cdb.dead_letters.content import readable
from services.bus.dead_letters import DeadLetters, Letter, NotResendable

SHOWN: Final = 50


@dataclass(frozen=True)
class ShownLetter:
    """A dead letter as a page shows it; *content* is text, whatever it was. *fault* says why it cannot be resent."""

    id: str
    when: datetime
    stream: str
    group: str
    reason: str
    detail: str
    size: int
    content: str
    fault: str


@dataclass(frozen=True)
class Letters:
    """How many there are, and the newest of them."""

    count: int
    newest: Sequence[ShownLetter]


def letters(client: redis.Redis) -> Letters:
    """Read them, newest first. Raises ServerAway."""
    stored = DeadLetters(client)
    return Letters(stored.count(), [_shown(one) for one in reversed(stored.newest(SHOWN))])


def _shown(letter: Letter) -> ShownLetter:
    content = letter.content
    try:
        letter.check_resendable()
        fault = ""
    except NotResendable as error:
        fault = str(error)
    return ShownLetter(
        id=letter.id,
        when=letter.when,
        stream=content.stream if content else "",
        group=content.group if content else "",
        reason=content.reason if content else "unreadable",
        detail=content.detail if content else "",
        size=content.size if content else len(letter.raw),
        content=readable(letter.data),
        fault=fault,
    )
