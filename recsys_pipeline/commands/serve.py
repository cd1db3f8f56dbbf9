"""`recsys ui`: which servers there are, on which ports."""

from rich.console import Console

from recsys_pipeline.commands.web import (
    Server,
    Servers,
    dagster_server,
    docs_server,
    free_port,
)
from recsys_pipeline.defs.doors import docs_folder
from recsys_pipeline.defs.instance import instance_for
from recsys_pipeline.settings import Settings


def serve(
    settings: Settings, ports: tuple[int | None, int | None, int | None], console: Console
) -> None:
    """Serve until asked to stop.

    Args:
        settings: of the installation.
        ports: of Dagster, MLflow and the Data Docs; None takes the port of the settings, or a
            free one if that is in use.
        console: where the addresses are shown.

    Raises:
        SetupError: a port is in use or a server does not start.
    """
    instance_for(settings.root).dispose()
    wanted = (settings.ui.dagster_port, settings.ui.mlflow_port, settings.ui.docs_port)
    chosen: list[int] = []
    for asked, usual in zip(ports, wanted, strict=True):
        chosen.append(free_port(asked or usual, asked is not None, chosen))
    servers = [
        dagster_server(settings.root, chosen[0]),
        docs_server(docs_folder(settings), chosen[2]),
    ]
    if settings.tracking.uri is None:
        servers.append(_mlflow(settings, chosen[1]))
    else:
        console.print(f"  MLflow      {settings.tracking.uri}")
    console.print("Starting; a first start takes half a minute. Ctrl-C stops everything.")

    def ready(server: Server) -> None:
        console.print(f"  [green]ready[/] {server.name:<10} {server.url:<28} {server.what}")

    Servers(servers, settings.root, settings.root / ".dagster" / "ui").run(ready)
    console.print("All stopped.")


def _mlflow(settings: Settings, port: int) -> Server:
    from recsys_pipeline.tracking import MlflowTracker, server_command

    tracking = settings.tracking
    MlflowTracker(settings.mlruns, tracking.experiment, tracking.model).prepare()
    argv, environment = server_command(settings.mlruns, port)
    return Server("MLflow", "runs and models compared", port, argv, environment)
