"""`recsys ui`: Dagster, MLflow and the Data Docs, started and stopped together."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recsys_pipeline.errors import SetupError

HOST = "127.0.0.1"
_POLL_SECONDS = 0.25
_READY_SECONDS = 600.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Server:
    """One process with a port.

    Attributes:
        name: for people.
        what: what is found there, for people.
        port: TCP port on 127.0.0.1.
        argv: the command.
        environment: variables to add.
        page: path of the page to open, such as ``/index.html``.
    """

    name: str
    what: str
    port: int
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    page: str = "/"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}{self.page}"


def free_port(wanted: int, asked: bool, taken: Sequence[int] = ()) -> int:
    """`wanted` if nothing listens there, else another free port.

    Args:
        wanted: the port that people expect.
        asked: whether the user named it: then no other will do.
        taken: ports given out already.

    Raises:
        SetupError: `asked`, and something listens there.
    """
    for port in (wanted, 0):
        if port in taken:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError) as error:
                if asked:
                    raise SetupError(
                        f"Port {wanted} cannot be used: {error}.",
                        "Name another one, or none and a free one is chosen.",
                    ) from error
                continue
            return int(probe.getsockname()[1])
    raise SetupError("No free port was found.", "Close some programs and try again.")


def dagster_server(root: Path, port: int) -> Server:
    """Webserver, daemon and code server of Dagster, by `dagster dev`."""
    where = ["-w", "workspace.yaml"]
    if not (root / "workspace.yaml").is_file():
        where = ["-m", "recsys_pipeline.definitions"]
    return Server(
        "Dagster",
        "assets, checks, schedule, backfills",
        port,
        [sys.executable, "-m", "dagster", "dev", "-h", HOST, "-p", str(port), *where],
        {"DAGSTER_HOME": str(root)},
    )


def docs_server(folder: Path, port: int) -> Server:
    """The Data Docs, as static files."""
    folder.mkdir(parents=True, exist_ok=True)
    return Server(
        "Data Docs",
        "what the data checks found",
        port,
        [sys.executable, "-m", "http.server", str(port), "--bind", HOST, "-d", str(folder)],
    )


class Servers:
    """Several servers that live and die together."""

    def __init__(self, servers: Sequence[Server], root: Path, logs: Path) -> None:
        self.servers = servers
        self.root = root
        self.logs = logs
        self._running: list[tuple[Server, subprocess.Popen[bytes]]] = []
        self._stopping = threading.Event()

    def run(self, ready: Callable[[Server], None]) -> None:
        """Start all, tell `ready` of each that answers, and return once asked to stop.

        Ctrl-C or SIGTERM stops all; so does the end of any one of them.

        Raises:
            SetupError: a server ended by itself or did not answer in time.
        """
        previous = {
            number: signal.signal(number, lambda *_: self._stopping.set())
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            for server in self.servers:
                self._start(server)
            self._wait_until_ready(ready)
            while not self._stopping.wait(_POLL_SECONDS):
                for server, process in self._running:
                    self._refuse_if_ended(server, process)
        finally:
            self._stop()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _start(self, server: Server) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            with self._log_of(server).open("wb") as log:
                process = subprocess.Popen(
                    list(server.argv),
                    cwd=self.root,
                    env={**os.environ, **server.environment},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
        except OSError as error:
            raise SetupError(
                f"{server.name} cannot be started: {error}.", "Install the package anew."
            ) from error
        self._running.append((server, process))

    def _log_of(self, server: Server) -> Path:
        return self.logs / f"{server.name.lower().replace(' ', '_')}.log"

    def _wait_until_ready(self, ready: Callable[[Server], None]) -> None:
        """Tell `ready` of each server once it answers; returns early if asked to stop."""
        waiting = list(self._running)
        for _ in range(int(_READY_SECONDS / _POLL_SECONDS)):
            for server, process in self._running:
                self._refuse_if_ended(server, process)
            for entry in [each for each in waiting if _answers(each[0])]:
                waiting.remove(entry)
                ready(entry[0])
            if not waiting or self._stopping.wait(_POLL_SECONDS):
                return
        server = waiting[0][0]
        raise SetupError(
            f"{server.name} did not answer on port {server.port} in {_READY_SECONDS:.0f} s.",
            f"Its log is {self._log_of(server)}.",
        )

    def _refuse_if_ended(self, server: Server, process: subprocess.Popen[bytes]) -> None:
        code = process.poll()
        if code is None:
            return
        tail = self._log_of(server).read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
        raise SetupError(
            "\n".join([f"{server.name} ended with exit code {code}:", *tail]),
            f"Its whole log is {self._log_of(server)}.",
        )

    def _stop(self) -> None:
        """Ask every process group to end; make those end that do not."""
        for number, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGKILL, _STOP_SECONDS)):
            for _, process in self._running:
                _signal_group(process, number)
            for _, process in self._running:
                try:
                    process.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
            if all(process.poll() is not None for _, process in self._running):
                break


def _answers(server: Server) -> bool:
    """Whether something listens on the port of `server`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(_POLL_SECONDS)
        return probe.connect_ex((HOST, server.port)) == 0


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
