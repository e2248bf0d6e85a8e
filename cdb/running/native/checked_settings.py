"""Refuse, before anything starts, values and combinations with which some part would not start or not work."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cdb.running.errors import StackError
from cdb.running.native import known_settings
from cdb.running.server_settings import Secrets, ServerSettings
from monitoring.notifications.settings import NotificationSettings
from services.settings import BadSettings, Settings, read

_OTHERS: Final[tuple[type[Settings], ...]] = (Secrets, ServerSettings, NotificationSettings)
"""What parts read that do not trade."""


def refuse_wrong(settings: Mapping[str, str], root: Path) -> None:
    """Read all that the stack's parts will read; raises StackError naming every wrong value and combination."""
    _refuse([*_OTHERS, *known_settings.SERVICES, *known_settings.of_plugins_here(settings, root)], settings)


def refuse_wrong_for_replay(settings: Mapping[str, str], root: Path) -> None:
    """Read all that a replay's services will read; raises StackError."""
    _refuse([*known_settings.SERVICES, *known_settings.of_plugins_chosen(settings, root)], settings)


def _refuse(kinds: list[type[Settings]], settings: Mapping[str, str]) -> None:
    problems: dict[str, None] = {}
    for kind in kinds:
        try:
            read(kind, settings)
        except BadSettings as error:
            problems.update(dict.fromkeys(error.problems))
    if problems:
        raise StackError("; ".join(problems))
