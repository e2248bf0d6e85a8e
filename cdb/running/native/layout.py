"""Where a stack keeps its state."""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cdb.running.native.errors import StackError

_LONGEST_SOCKET_PATH = 107  # sun_path holds 108 bytes with its final zero
_SOCKET_SUFFIX = len(".4194304")  # supervisord first binds a name with its pid, then renames it
_FOREIGN_DATA = Path("/var/lib/claire-de-binare")


@dataclass(frozen=True)
class Layout:
    """The paths of one stack, all derived from its state directory."""

    state_dir: Path

    @property
    def digest(self) -> str:
        """Return a short name for this state directory, for what must lie outside of it."""
        return hashlib.sha256(str(self.state_dir).encode()).hexdigest()[:12]

    @property
    def supervisor_conf(self) -> Path:
        """Return where supervisord's configuration lies."""
        return self.state_dir / "supervisord.conf"

    @property
    def redis_conf(self) -> Path:
        """Return where Redis' configuration lies."""
        return self.state_dir / "redis.conf"

    @property
    def prometheus_conf(self) -> Path:
        """Return the directory of Prometheus' configuration."""
        return self.state_dir / "prometheus"

    @property
    def alertmanager_conf(self) -> Path:
        """Return the directory of Alertmanager's configuration and secrets."""
        return self.state_dir / "alertmanager"

    @property
    def grafana_conf(self) -> Path:
        """Return the directory of Grafana's configuration."""
        return self.state_dir / "grafana"

    @property
    def exporters(self) -> Path:
        """Return the directory of the exporters' password files."""
        return self.state_dir / "exporters"

    @property
    def record(self) -> Path:
        """Return where the running stack's settings are written down."""
        return self.state_dir / "stack.json"

    @property
    def lock(self) -> Path:
        """Return the file that is locked while the stack is started or stopped."""
        return self.state_dir / "lock"

    @property
    def logs(self) -> Path:
        """Return the directory of the parts' logs."""
        return self.state_dir / "logs"

    @property
    def run(self) -> Path:
        """Return the directory of pid files and sockets."""
        return self.state_dir / "run"

    @property
    def replays(self) -> Path:
        """Return the directory of kept replays, each with a stack's state directory of its own."""
        return self.state_dir / "replays"

    @property
    def data(self) -> Path:
        """Return the directory of the servers' data."""
        return self.state_dir / "data"

    @property
    def redis_data(self) -> Path:
        """Return Redis' working directory."""
        return self.data / "redis"

    @property
    def prometheus_data(self) -> Path:
        """Return the directory of Prometheus' time series."""
        return self.data / "prometheus"

    @property
    def jaeger_data(self) -> Path:
        """Return the directory of Jaeger's traces."""
        return self.data / "jaeger"

    @property
    def trace_queue(self) -> Path:
        """Return the directory of the spans that the collector has not yet handed to Jaeger."""
        return self.data / "otel_collector"

    @property
    def alertmanager_data(self) -> Path:
        """Return the directory of Alertmanager's silences and of what it has sent."""
        return self.data / "alertmanager"

    @property
    def alert_receiver_data(self) -> Path:
        """Return the directory of the local alert receiver's notifications."""
        return self.data / "alert_receiver"

    @property
    def supervisor_pid(self) -> Path:
        """Return supervisord's pid file."""
        return self.run / "supervisord.pid"

    @property
    def short_run(self) -> Path:
        """Return the directory that holds the socket of a state directory too deep for one."""
        return Path(tempfile.gettempdir()) / f"cdb-{self.digest}"

    @property
    def supervisor_socket(self) -> Path:
        """Return supervisord's socket: in the state directory if its path is short enough for the kernel."""
        near = self.run / "supervisor.sock"
        fits = len(str(near).encode()) + _SOCKET_SUFFIX <= _LONGEST_SOCKET_PATH
        return near if fits else self.short_run / "supervisor.sock"

    @property
    def postgres_candidates(self) -> tuple[Path, Path]:
        """Return where PostgreSQL's data may lie: with the rest, or where the user `postgres` can reach them."""
        return self.data / "postgres", _FOREIGN_DATA / self.digest / "postgres"

    def log(self, part: str) -> Path:
        """Return the log of *part*."""
        return self.logs / f"{part}.log"

    def create(self) -> None:
        """Make the directories. Only names can be seen from outside, for PostgreSQL under its own user."""
        for directory in (self.state_dir, self.data):
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(0o711)
        private = {
            self.logs,
            self.run,
            self.redis_data,
            self.prometheus_data,
            self.jaeger_data,
            self.trace_queue,
            self.alertmanager_data,
            self.alert_receiver_data,
            self.exporters,
            self.supervisor_socket.parent,
        }
        for directory in private:
            directory.mkdir(exist_ok=True)
            if directory.stat().st_uid != self.state_dir.stat().st_uid:
                raise StackError(f"{directory} belongs to another user: remove it or choose another CDB_STATE_DIR")
            directory.chmod(0o700)

    def remove_run_files(self) -> None:
        """Remove pid files, sockets and the running stack's record."""
        shutil.rmtree(self.run, ignore_errors=True)
        shutil.rmtree(self.short_run, ignore_errors=True)
        self.record.unlink(missing_ok=True)

    def remove(self) -> list[Path]:
        """Remove all that a stack makes and nothing else; return what keeps the state directory from going."""
        self.remove_run_files()
        configured = (self.prometheus_conf, self.alertmanager_conf, self.grafana_conf, self.exporters)
        for directory in (self.data, self.logs, *configured, _FOREIGN_DATA / self.digest):
            if directory.exists():
                shutil.rmtree(directory)
        for file in (self.supervisor_conf, self.redis_conf, self.lock):
            file.unlink(missing_ok=True)
        if _FOREIGN_DATA.is_dir() and not any(_FOREIGN_DATA.iterdir()):
            _FOREIGN_DATA.rmdir()
        left = sorted(self.state_dir.iterdir()) if self.state_dir.is_dir() else []
        if not left and self.state_dir.is_dir():
            self.state_dir.rmdir()
        return left
