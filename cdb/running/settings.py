"""Settings of the servers that commands reach."""

from collections.abc import Mapping
from typing import TypeVar

from cdb.running.errors import StackError
from services.settings import BadSettings, Settings, read

S = TypeVar("S", bound=Settings)


def read_settings(kind: type[S], environment: Mapping[str, object]) -> S:
    """Read *kind* from *environment*; raises StackError naming each wrong variable and what is allowed."""
    try:
        return read(kind, environment)
    except BadSettings as error:
        raise StackError(str(error)) from error
