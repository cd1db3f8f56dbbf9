"""`recsys serve`: the API over the release in service."""

import logging
import os
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import uvicorn
from rich.console import Console
from uvicorn.config import STARTUP_FAILURE

from recsys_pipeline.commands.clock import now, seconds
from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.serving.joined_writes import JoinedWritesProtocol
from recsys_pipeline.serving.keyring import refuse_open, usable
from recsys_pipeline.serving.metrics import FOLDER_VARIABLE, forget_dead_workers, fresh_folder
from recsys_pipeline.settings import Settings, load_settings
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.keys import SqlKeyStore

if TYPE_CHECKING:
    from recsys_pipeline.serving.gate import Gate

_REQUIRED: Final = "RECSYS_SERVING__REQUIRE_KEYS"
"""Tells the workers that keys are needed: the starter has looked."""

_WHY: Final = "why-not"
"""File beside the metrics in which a worker says why none can be made of the settings."""
_TURN_SECONDS: Final = 0.0005


def serve_api(settings: Settings, host: str, port: int, workers: int, console: Console) -> None:
    """Serve until asked to stop.

    Args:
        settings: of the installation.
        host, port: to listen on.
        workers: processes.
        console: where the address is told; the log goes to the standard output.

    Raises:
        SetupError: others reach the address and nobody has a key, the port is in use, or no worker
            can be made of the settings.
        StorageError: the database cannot be opened.
    """
    database = database_of(settings)
    try:
        keys = usable(SqlKeyStore(database).keys(), now().to_pydatetime())
    finally:
        database.close()
    required = refuse_open(host, bool(keys), settings.serving.require_keys)
    _refuse_used(host, port)
    os.environ[_REQUIRED] = str(required).lower()
    console.print(
        f"Serving http://{host}:{port} (the page) and http://{host}:{port}/v1 (the API)"
        f"{', with keys only' if required else ''}. Ctrl-C stops it."
    )
    if workers == 1:
        _run(worker(), host, port)
        return
    with TemporaryDirectory(prefix="recsys-metrics-") as folder:
        os.environ.update(fresh_folder(Path(folder)))
        # Several workers are processes of their own, which find the app by its name.
        _run("recsys_pipeline.commands.serve_api:one_of_several", host, port, workers)
        if (Path(folder) / _WHY).exists():
            raise SetupError((Path(folder) / _WHY).read_text(encoding="utf-8"))


def _run(app: "Gate | str", host: str, port: int, workers: int = 1) -> None:
    uvicorn.run(
        app,
        factory=isinstance(app, str),
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http=JoinedWritesProtocol,
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )


def _refuse_used(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SetupError(
                f"{host}:{port} cannot be listened on: {error.strerror or error}.",
                "Name another --port, or stop what listens there.",
            ) from error


def worker() -> "Gate":
    """The app of one worker process, from the settings that the starter named."""
    from recsys_pipeline.serving.server import make_server

    logging.captureWarnings(True)
    # Threads that make lists let the one that answers have its turn sooner than usual.
    sys.setswitchinterval(_TURN_SECONDS)
    settings = load_settings()
    required = settings.serving.require_keys
    return make_server(settings, seconds, sys.stdout.buffer, keys_required=required).app


def one_of_several() -> "Gate":
    """`worker`; where the settings allow none, all are stopped instead of tried for ever.

    A database that is away is waited for: then a worker that died is started again and again.
    """
    folder = Path(os.environ[FOLDER_VARIABLE])
    forget_dead_workers(folder)
    try:
        return worker()
    except (SettingsError, SetupError) as error:
        (folder / _WHY).write_text(str(error), encoding="utf-8")
        raise SystemExit(STARTUP_FAILURE) from None
