"""Where a stack keeps its state."""

import hashlib
import os
import pwd
import shutil
from pathlib import Path

from cdb.running.errors import StackError

_LONGEST_SOCKET_PATH = 107  # sun_path holds 108 bytes with its final zero
_SHORT = Path("/tmp")  # noqa: S108  not TMPDIR: the next command may have another one; create() checks the owner
_FOREIGN_DATA = Path("/var/lib/claire-de-binare")
_REPLAYS = "replays"
_SERVERS = ("redis", "prometheus", "jaeger", "otel_collector", "alertmanager", "cdb_console")


class Layout:
    """The paths of one stack, all derived from its state directory.

    *record* holds the running stack's settings, the command that uses the stack locks *lock*, *run* has pid files and
    sockets. Each of *replays* is a state directory of its own, with its *secrets*; one that has *unfinished* in it
    is not kept. *grid_results* has what `cdb backtest --grid` has finished.
    """

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.digest = hashlib.sha256(str(state_dir).encode()).hexdigest()[:12]
        """Short name of the state directory, for what must lie outside of it."""
        self.supervisor_conf = state_dir / "supervisord.conf"
        self.redis_conf = state_dir / "redis.conf"
        self.prometheus_conf = state_dir / "prometheus"
        self.alertmanager_conf = state_dir / "alertmanager"
        self.grafana_conf = state_dir / "grafana"
        self.exporters = state_dir / "exporters"
        self.record = state_dir / "stack.json"
        self.lock = state_dir / "lock"
        self.logs = state_dir / "logs"
        self.run = state_dir / "run"
        self.replays = state_dir / _REPLAYS
        self.grid_results = state_dir / "grid-results.jsonl"
        self.secrets = state_dir / "secrets.json"
        self.unfinished = state_dir / "unfinished"
        self.data = state_dir / "data"
        self.supervisor_pid = self.run / "supervisord.pid"
        self.short_run = _SHORT / f"cdb-{self.digest}"
        self.supervisor_socket = self._socket("supervisor.sock", bound_as="supervisor.sock.4194304")
        self.redis_socket = self._socket("redis.sock")
        self.postgres_candidates = (self.data / "postgres", _FOREIGN_DATA / self.digest / "postgres")
        """With the rest, or where the user `postgres` can reach it."""
        self.postgres_note = self.data / "postgres-is-in"
        """Says where, if it is not with the rest."""

    @property
    def title(self) -> str:
        """What messages call the stack."""
        replay = self.state_dir.parent.name == _REPLAYS
        return f"replay {self.state_dir.name}" if replay else f"the stack in {self.state_dir}"

    def _socket(self, name: str, *, bound_as: str = "") -> Path:
        """Path of a socket of the stack's own user; *bound_as* is a longer name that it has first."""
        return self.run / name if fits_socket(self.run / (bound_as or name)) else self.short_run / name

    def log(self, part: str) -> Path:
        """File that a part's output goes to."""
        return self.logs / f"{part}.log"

    def log_began(self, part: str) -> Path:
        """File that says how long the log was when the part was started."""
        return self.run / f"{part}.log-began"

    def data_of(self, part: str) -> Path:
        """Directory of a server's data; PostgreSQL's may lie elsewhere."""
        return self.data / part

    def create_state_dir(self) -> None:
        """Make the state directory. Raises StackError."""
        try:
            self.state_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = "it is not a directory" if isinstance(error, FileExistsError) else error.strerror
            raise StackError(f"{self.state_dir} cannot hold a stack: {why}; choose another CDB_STATE_DIR") from error

    def create(self) -> None:
        """Make the directories; others can see names only, for PostgreSQL under its own user. Raises StackError."""
        self.create_state_dir()
        own = {self.logs, self.run, self.exporters, self.supervisor_socket.parent, self.redis_socket.parent}
        modes = {self.state_dir: 0o711, self.data: 0o711, **dict.fromkeys(own, 0o700)}
        modes.update({self.data_of(part): 0o700 for part in _SERVERS})
        for directory, mode in modes.items():
            directory.mkdir(exist_ok=True)
            if directory.stat().st_uid != os.geteuid():
                raise StackError(
                    f"{directory} belongs to {_owner(directory)}: run this command as that user, remove the directory, "
                    "or choose another CDB_STATE_DIR"
                )
            directory.chmod(mode)

    def remove_run_files(self) -> None:
        """Remove pid files, sockets and the running stack's record."""
        shutil.rmtree(self.run, ignore_errors=True)
        shutil.rmtree(self.short_run, ignore_errors=True)
        self.record.unlink(missing_ok=True)

    def remove(self) -> list[Path]:
        """Remove all that a stack makes and nothing else; gives what keeps the state directory from going."""
        self.remove_run_files()
        configured = (self.prometheus_conf, self.alertmanager_conf, self.grafana_conf, self.exporters)
        for directory in (self.data, self.logs, *configured, _FOREIGN_DATA / self.digest):
            if directory.exists():
                shutil.rmtree(directory)
        if _FOREIGN_DATA.is_dir() and not any(_FOREIGN_DATA.iterdir()):
            _FOREIGN_DATA.rmdir()
        files = (self.supervisor_conf, self.redis_conf, self.secrets, self.grid_results, self.unfinished)
        for file in (*files, self.lock):
            file.unlink(missing_ok=True)  # the lock last: until then nobody else comes
        left = sorted(self.state_dir.iterdir()) if self.state_dir.is_dir() else []
        if not left and self.state_dir.is_dir():
            self.state_dir.rmdir()
        return left


def fits_socket(path: Path) -> bool:
    """Whether a Unix socket can have this path."""
    return len(str(path).encode()) <= _LONGEST_SOCKET_PATH


def _owner(path: Path) -> str:
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
