"""What of the operator's shell counts for a stack without containers: a list, and nothing beside it.

A shell is full of variables for other programs. Programs of the stack get a few names of the system, and the settings
that exist (known_settings.py). Whatever else is set has no effect on them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cdb.running.errors import StackError
from cdb.running.native import known_settings
from cdb.running.native.ports import HOST

_SYSTEM: Final = ("PATH", "HOME", "USER", "LOGNAME", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_FIXED: Final = {"LC_ALL": "C.UTF-8"}  # paths and logs are UTF-8, numbers have a decimal point
ACCOUNTS: Final = frozenset(
    {
        *("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "REDIS_PASSWORD", "GRAFANA_PASSWORD"),
        *("CDB_MONITORING_PASSWORD", "CDB_OPERATOR_TOKEN", "CDB_OTLP_TOKEN"),
    }
)
"""Accounts of the stack's own servers, which are in .env alone: many a project exports some of these names, and with
another user or database the ledger would seem to be empty."""
OWN_SERVERS: Final = {"POSTGRES_HOST": "PostgreSQL", "REDIS_HOST": "Redis", "CDB_RISK_HOST": "cdb_risk"}


def of_system(environ: Mapping[str, str]) -> dict[str, str]:
    """What every program of a stack gets of *environ*."""
    return {**{name: environ[name] for name in _SYSTEM if name in environ}, **_FIXED}


def settings(env_file: Mapping[str, str], environ: Mapping[str, str], root: Path) -> dict[str, str]:
    """The settings in *env_file*, and over them those of *environ*, but for accounts; no name that is no setting.

    Raises StackError if an unknown source or strategy is named.
    """
    known = known_settings.settings({**env_file, **environ}, root)
    from_file = {name: value for name, value in env_file.items() if name in known}
    return {**from_file, **{name: value for name, value in environ.items() if name in known - ACCOUNTS}}


def refuse_other_server(variable: str, environment: Mapping[str, str]) -> None:
    """Raise StackError if *variable* is the address of another server than the stack's own."""
    address = environment.get(variable)
    if address not in (None, "", HOST, "localhost"):
        raise StackError(
            f"{variable} is {address!r:.80}: the native stack has its own {OWN_SERVERS[variable]} on {HOST} and uses "
            f"no other; unset {variable}, or remove it from .env"
        )
