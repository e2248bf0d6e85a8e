"""The data of a part in a container.

Docker can read the files of a stopped container, but cannot remove any. So a short-lived container replaces them: it
has the part's own image, user and volumes, no network and no privilege.
"""

from pathlib import Path
from typing import IO, Final

from cdb.running.compose.engine import docker
from cdb.running.data_files import REPLACED, RESTORE

PLACES: Final = {"prometheus": ("cdb_prometheus", "/prometheus"), "cdb_console": ("cdb_console", "/data")}
"""Container of each part, and the place of the data in it."""
_ALONE: Final = (
    *("--rm", "--interactive", "--pull", "never", "--network", "none", "--read-only", "--memory", "128m"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--log-driver", "none", "--no-healthcheck"),
)
RECEIVE: Final = f"""
rm -rf {RESTORE}
mkdir -m 700 {RESTORE}
tar -C {RESTORE} -xzopf - || {{ rm -rf {RESTORE}; exit 1; }}
"""
# All is renamed within one volume. Whatever fails, what was there is there again.
EXCHANGE: Final = f"""
move() {{
    for one in "$1"/* "$1"/.[!.]*; do
        case "${{one##*/}}" in {RESTORE} | {REPLACED}) continue ;; esac
        if [ -e "$one" ]; then mv "$one" "$2"/ || return 1; fi
    done
}}
rm -rf {REPLACED}
mkdir -m 700 {REPLACED}
move . {REPLACED} || {{ move {REPLACED} .; exit 1; }}
move {RESTORE} . || {{ move . {RESTORE}; move {REPLACED} .; exit 1; }}
"""
CLEAR: Final = f"rm -rf {RESTORE} {REPLACED}"


def stored_bytes(part: str) -> int:
    """Measure the data of *part*, which runs. Raises StackError."""
    container, place = PLACES[part]
    return 1024 * int(docker("exec", container, "du", "-sk", place).split()[0])


def read(part: str, target: Path) -> None:
    """Write the data of *part*, which does not run, to the tar file *target*. Raises StackError."""
    container, place = PLACES[part]
    with target.open("xb") as file:
        docker("cp", f"{container}:{place}", "-", output=file, within_s=None)


def receive(part: str, source: Path) -> None:
    """Unpack the compressed tar file *source* beside the data of *part*, which may run. Raises StackError."""
    with source.open("rb") as file:
        _within(part, RECEIVE, source=file)


def exchange(part: str) -> None:
    """Replace the data of *part*, which does not run, by what was received. Raises StackError: nothing is changed."""
    _within(part, EXCHANGE)


def clear(part: str) -> None:
    """Remove what was replaced. Raises StackError."""
    _within(part, CLEAR)


def _within(part: str, script: str, source: IO[bytes] | None = None) -> None:
    container, place = PLACES[part]
    image, user = docker("inspect", "--format", "{{.Image}}|{{.Config.User}}", container).strip().split("|")
    who = ("--user", user, "--volumes-from", container, "--workdir", place, "--entrypoint", "sh")
    docker("run", *_ALONE, *who, image, "-ec", script, source=source, within_s=None)
