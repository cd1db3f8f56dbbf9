"""`recsys ui`: which servers there are, on which ports."""

import sys
from dataclasses import dataclass

from rich.console import Console

from recsys_pipeline.commands.web import (
    HOST,
    Server,
    Servers,
    dagster_server,
    docs_server,
    free_port,
)
from recsys_pipeline.defs.instance import instance_for
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.folders import docs_folder


@dataclass(frozen=True)
class Ports:
    """Ports that were asked for; None takes that of the settings, or a free one if it is in use.

    Attributes:
        page: of the page and the API.
        dagster, mlflow, docs: of the others.
    """

    page: int | None = None
    dagster: int | None = None
    mlflow: int | None = None
    docs: int | None = None


def serve(settings: Settings, ports: Ports, console: Console) -> None:
    """Serve until asked to stop.

    Args:
        settings: of the installation.
        ports: to serve on.
        console: where the addresses are shown.

    Raises:
        SetupError: a port is in use or a server does not start.
    """
    instance_for(settings.root).dispose()
    wanted = (
        (ports.page, settings.serving.port),
        (ports.dagster, settings.ui.dagster_port),
        (ports.mlflow, settings.ui.mlflow_port),
        (ports.docs, settings.ui.docs_port),
    )
    chosen: list[int] = []
    for asked, usual in wanted:
        chosen.append(free_port(asked or usual, asked is not None, chosen))
    page, dagster, mlflow, docs = chosen
    servers = [
        _page(page),
        dagster_server(settings.root, dagster),
        docs_server(docs_folder(settings), docs),
    ]
    if settings.tracking.uri is None:
        servers.append(_mlflow(settings, mlflow))
    else:
        console.print(f"  MLflow      {settings.tracking.uri}")
    console.print("Starting; a first start takes half a minute. Ctrl-C stops everything.")

    def ready(server: Server) -> None:
        console.print(f"  [green]ready[/] {server.name:<10} {server.url:<28} {server.what}")

    Servers(servers, settings.root, settings.root / ".dagster" / "ui").run(ready)
    console.print("All stopped.")


def _page(port: int) -> Server:
    """The page and the API, on this machine whatever `serving.host` says."""
    argv = [sys.executable, "-m", "recsys_pipeline.cli", "serve", "--host", HOST]
    return Server("The page", "lists, releases, the API", port, [*argv, "--port", str(port)])


def _mlflow(settings: Settings, port: int) -> Server:
    from recsys_pipeline.tracking import MlflowTracker, server_command

    tracking = settings.tracking
    MlflowTracker(settings.mlruns, tracking.experiment, tracking.model).prepare()
    argv, environment = server_command(settings.mlruns, port)
    return Server("MLflow", "runs and models compared", port, argv, environment)
