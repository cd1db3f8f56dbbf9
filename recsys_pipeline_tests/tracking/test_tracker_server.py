"""The command that starts MLflow's own server."""

from pathlib import Path

from recsys_pipeline.tracking import database_uri, server_command


def test_server_is_bound_to_this_machine_and_light(tmp_path: Path) -> None:
    argv, environment = server_command(tmp_path / "mlruns", 5055)
    options = dict(zip(argv[4::2], argv[5::2], strict=True))
    assert argv[1:4] == ["-m", "mlflow", "server"]
    assert options == {
        "--backend-store-uri": f"sqlite:///{tmp_path}/mlruns/mlflow.db",
        "--artifacts-destination": f"file://{tmp_path}/mlruns/artifacts",
        "--host": "127.0.0.1",
        "--port": "5055",
        "--workers": "1",
    }
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert list(tmp_path.iterdir()) == []


def test_relative_folder_becomes_absolute() -> None:
    assert database_uri(Path("mlruns")) == f"sqlite:///{Path.cwd()}/mlruns/mlflow.db"
