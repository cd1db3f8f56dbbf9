"""What every test starts from: an environment without this product's settings; and servers."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recsys_pipeline.commands.threads import THREADS

# As the command line does, before any numerical library is loaded.
for _variable, _value in THREADS.items():
    os.environ.setdefault(_variable, _value)

_PREFIXES = ("RECSYS_", "DAGSTER_", "MLFLOW_")

# Read and taken away here: a variable with that prefix is a setting everywhere else.
_REQUIRED = os.environ.pop("RECSYS_TEST_REQUIRE_SERVICES", "") not in ("", "0")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> None:
    """Clear the settings of the machine, and stand in an empty folder.

    A test that writes to its working folder leaves nothing in the project, and none reads the
    project's recsys.toml by accident.
    """
    for name in os.environ:
        if name.startswith(_PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


def _program(name: str, *folders: str) -> str:
    """The path of a server's program; without it the test is skipped, or fails if none may be."""
    found = shutil.which(name) or next(
        (str(path) for folder in folders for path in sorted(Path("/").glob(f"{folder}/{name}"))),
        None,
    )
    if found is None and _REQUIRED:
        pytest.fail(f"{name} is not on this machine and RECSYS_TEST_REQUIRE_SERVICES is set")
    if found is None:
        pytest.skip(f"{name} is not on this machine")
    return str(Path(found).resolve())


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """`_program`, for a program that a test starts itself."""
    return _program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PostgresServer:
    """A PostgreSQL server of a test's own, on a free port of the loopback.

    It does not run as root: started by root, it runs as the user postgres.

    Attributes:
        url: of its first database.
    """

    def __init__(self, durable: bool) -> None:
        # Not below pytest's folders: those are closed to other users.
        self._folder = Path(tempfile.mkdtemp(prefix="recsys-postgres-"))
        self._port = _free_port()
        self._user = "postgres" if os.geteuid() == 0 else None
        self._programs = Path(_program("initdb", "usr/lib/postgresql/*/bin")).parent
        self._sync = "on" if durable else "off"
        if self._user:
            shutil.chown(self._folder, self._user)
        as_text = ("--encoding=UTF8", "--locale=C.UTF-8")
        self._do("initdb", "--no-sync", "--auth=trust", "--username=tests", *as_text)

    @property
    def url(self) -> str:
        return f"postgresql://tests@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = (
            f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' "
            f"-c fsync={self._sync} -c synchronous_commit={self._sync} -c full_page_writes=off"
        )
        log = str(self._folder / "log")
        self._do("pg_ctl", "--wait", "start", f"--options={options}", f"--log={log}")

    def stop(self, mode: str = "fast") -> None:
        """``fast`` ends connections; ``immediate`` is a crash."""
        self._do("pg_ctl", "--wait", "stop", f"--mode={mode}")

    @property
    def pid(self) -> int:
        """The process that the others are children of."""
        return int((self._folder / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        """End all its processes by force, and wait until none of them is left."""
        first = self.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for each in (first, *map(int, children)):
            os.kill(each, signal.SIGKILL)
        pause = threading.Event()
        for _ in range(600):
            if not Path(f"/proc/{first}").exists():
                return
            pause.wait(0.05)
        pytest.fail(f"process {first} is still there")

    def remove(self) -> None:
        if (self._folder / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self._folder)

    def _do(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, f"--pgdata={self._folder}", *arguments],
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture
def postgres_server() -> Iterator[PostgresServer]:
    """A durable PostgreSQL server for one test to stop, kill and start again."""
    server = PostgresServer(durable=True)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def _shared_postgres() -> Iterator[PostgresServer]:
    server = PostgresServer(durable=False)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres_url(_shared_postgres: PostgresServer) -> str:
    """URL of a PostgreSQL database that is empty when the test begins."""
    import psycopg

    with psycopg.connect(_shared_postgres.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    return _shared_postgres.url


class RedisServer:
    """A Redis server of a test's own, on a free port of the loopback; it keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._program = _program("redis-server")
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        place = ("--bind", "127.0.0.1", "--port", str(self._port), "--dir", str(self._folder))
        self.process = subprocess.Popen(
            ["redis-server", *place, "--save", "", "--appendonly", "no"],
            # Debian's program is a link: what it does depends on the name that it is called by.
            executable=self._program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                return
        pytest.fail(f"redis-server has ended: {''.join(said)}")

    def stop(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis server for one test to stop and start again."""
    server = RedisServer(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def _shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def redis_url(_shared_redis: RedisServer) -> str:
    """URL of an empty Redis."""
    import redis

    with redis.Redis.from_url(_shared_redis.url) as client:
        client.flushall()
    return _shared_redis.url


class ServeProcess:
    """`recsys serve` in a folder: processes in a group of their own, on a port of their own.

    Attributes:
        port: where it listens.
        process: the first one of the group, None before the start.
        out, err: the lines that it wrote since the last start.
    """

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self._folder, self.port = folder, _free_port()
        self._options = options
        known = {k: v for k, v in os.environ.items() if not k.startswith(_PREFIXES)}
        self._environment = known | environment
        self._changed = threading.Condition()
        self.process: subprocess.Popen[str] | None = None
        self.out: list[str] = []
        self.err: list[str] = []

    def start(self, wait: bool = True) -> None:
        """Start it; with `wait` until it listens."""
        self.out, self.err = [], []
        serve = ["-m", "recsys_pipeline.cli", "serve", "--port", str(self.port), *self._options]
        self.process = process = subprocess.Popen(
            [sys.executable, *serve],
            cwd=self._folder,
            env=self._environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=each)
            for each in ((process.stdout, self.out), (process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()
        if wait:
            self.wait_for(lambda: self._listens())

    def _read(self, stream: Any, lines: list[str]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    lines.append(line)
                    self._changed.notify_all()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_for(
        self, condition: Callable[[], object], seconds: float = 60, ended: bool = False
    ) -> None:
        """Until that holds; it is looked at again with every line and every 50 ms.

        With `ended` the process may end meanwhile.
        """
        assert self.process is not None
        for _ in range(int(seconds / 0.05)):
            if condition():
                return
            assert ended or self.process.poll() is None, self.err
            with self._changed:
                self._changed.wait(0.05)
        pytest.fail(f"waited {seconds} s: {self.err} {self.out[-20:]}")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of the log with that event; every line of it is JSON."""
        return [line for line in map(json.loads, list(self.out)) if line["event"] == name]

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer; a text where it is no JSON."""
        connection = self.connect()
        try:
            sent = None if body is None else json.dumps(body)
            kind = {} if body is None else {"content-type": "application/json"}
            connection.request(method, path, sent, kind | headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            return answer.status, json.loads(text) if text.startswith(("{", "[")) else text
        finally:
            connection.close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask the first process to end; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self._ended()

    def left(self) -> bool:
        """Whether any process of the group is still there."""
        assert self.process is not None
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """End all of them at once, as a crash would."""
        if self.process is not None and self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self._ended()

    def _ended(self) -> int:
        assert self.process is not None
        code = self.process.wait(30)
        for reader in self._readers:
            reader.join(30)
        return code


@pytest.fixture(scope="module")
def serving() -> Iterator[Callable[..., ServeProcess]]:
    """Makes `recsys serve` processes in a folder, with options and variables; not started yet."""
    made: list[ServeProcess] = []

    def make(folder: Path, *options: str, **environment: str) -> ServeProcess:
        made.append(ServeProcess(folder, *options, **environment))
        return made[-1]

    yield make
    for each in made:
        each.kill()
