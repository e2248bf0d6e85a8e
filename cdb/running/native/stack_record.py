"""Write down with which settings and code a stack was started, for the commands that come later."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from cdb.running.errors import StackError
from cdb.running.native.config import StackConfig
from cdb.running.native.files import write_private
from cdb.running.native.parts import ALL_PARTS
from cdb.running.native.ports import Ports

_CODE: Final = ("services", "telemetry", "cdb/running/native", "otel-collector", "monitoring")
_SUFFIXES: Final = {".py", ".yaml", ".yml", ".sql", ".mako", ".ini", ".tmpl", ".html"}

_OF_A_NEW_LEDGER: Final = frozenset({"CDB_OPENING_CASH"})
"""What no restart applies."""

Record = dict[str, Any]
"""A running stack's places, ports and settings (environment), the names of its parts and a digest of its code."""


def describe(config: StackConfig) -> Record:
    """Make the record of *config* and of the code as it is now."""
    return {
        "root": str(config.root),
        "state_dir": str(config.state_dir),
        "ports": dict(config.ports),
        "environment": dict(config.environment),
        "parts": [part.name for part in config.parts],
        "code": code_digest(config.root),
    }


def write(config: StackConfig) -> None:
    """Write the record, readable by its owner only: it holds the stack's secrets."""
    write_private(config.layout.record, json.dumps(describe(config), indent=2))


def read(path: Path) -> Record | None:
    """Read a record, None if there is none; raises StackError if it cannot be read."""
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        return {
            **{name: record[name] for name in ("root", "ports", "environment", "parts", "code")},
            "state_dir": record.get("state_dir", str(path.parent)),  # an older version did not write it
        }
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise StackError(f"{path} cannot be read: another user started the stack") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StackError(f"{path} is damaged ({error}): remove it, then run `cdb down`") from error


def load(state_dir: Path) -> StackConfig | None:
    """Rebuild the configuration of the stack that was started in *state_dir*, None if none was."""
    record = read(state_dir / "stack.json")
    if record is None:
        return None
    return StackConfig(
        root=Path(record["root"]),
        state_dir=state_dir,
        ports=Ports(**record["ports"]),
        environment=record["environment"],
        parts=tuple(part for part in ALL_PARTS if part.name in record["parts"]),
    )


def written_in(state_dir: Path) -> bool:
    """Whether the record in *state_dir* was written there; else the directory was copied or moved."""
    record = read(state_dir / "stack.json")
    return record is not None and record["state_dir"] == str(state_dir)


def differences(running: Record, wanted: Record) -> list[str]:
    """Say in what the running stack differs from the wanted one; values are not shown, they may be secrets."""
    variables = Ports.variables()
    said = [f"{variables[p]} is now {n}" for p, n in wanted["ports"].items() if running["ports"].get(p) != n]
    before, now = running["environment"], wanted["environment"]
    names = sorted({*before, *now} - set(variables.values()) - _OF_A_NEW_LEDGER)
    said += [f"{name} was changed" for name in names if before.get(name) != now.get(name)]
    if not set(running["parts"]) >= set(wanted["parts"]):
        said.append(f"the stack was started with the parts {', '.join(running['parts'])}")
    if running["code"] != wanted["code"]:
        said.append("the code was changed")
    return said


def code_digest(root: Path) -> str:
    """Digest the code and configuration that the running processes have loaded from the checkout."""
    digest = hashlib.sha256()
    for top in _CODE:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in _SUFFIXES and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
