"""The ledger's operator_actions: the one place that reads and writes its rows. All raise ServerAway."""

from typing import Any, Final

import msgspec

from services.actions import Action, Recorded
from services.decoding import prepared
from services.ledger.connection import Cursor, Ledger
from services.ledger.results import Reader

_FIELDS: Final = Action.__struct_fields__
_COLUMNS: Final = ", ".join(_FIELDS)
_FIND: Final = f"SELECT {_COLUMNS}, at, details FROM operator_actions WHERE action_id = %s"  # noqa: S608  names of our own, here and below
_NEWEST: Final = f"""
SELECT {_COLUMNS}, at, details - 'ids' FROM operator_actions ORDER BY action_seq DESC LIMIT %s
"""  # noqa: S608
_INSERT: Final = f"""
INSERT INTO operator_actions ({_COLUMNS}, at, details) VALUES ({"%s, " * len(_FIELDS)}%s, %s)
ON CONFLICT (action_id) DO NOTHING
"""  # noqa: S608


def newest_actions(ledger: Reader, count: int) -> list[Recorded]:
    """The newest *count* actions, newest first, without the ids of the letters that they were about."""
    return [_recorded(row) for row in ledger.execute(_NEWEST, (count,))]


def find_action(ledger: Reader, action_id: str) -> Recorded | None:
    """The action under this id."""
    return next((_recorded(row) for row in ledger.execute(_FIND, (action_id,))), None)


def insert_action(cursor: Cursor, recorded: Recorded) -> bool:
    """Add *recorded*; False if there is an action under its id."""
    values = (getattr(recorded.action, name) for name in _FIELDS)
    cursor.execute(_INSERT, (*values, recorded.at, _json(recorded.details)))
    return cursor.rowcount == 1


def note_details(ledger: Ledger, action_id: str, details: dict[str, Any]) -> None:
    """Replace what is known of an action's effect."""
    ledger.execute("UPDATE operator_actions SET details = %s WHERE action_id = %s", (_json(details), action_id))


def _json(details: dict[str, Any]) -> str:
    return msgspec.json.encode(details).decode()


def _recorded(row: tuple[Any, ...]) -> Recorded:
    *values, at, details = row
    return Recorded(msgspec.convert(dict(zip(_FIELDS, values, strict=True)), prepared(Action)), at, details)
