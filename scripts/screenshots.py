"""Take the pictures of docs/images anew: run three weeks of a small world, open the UIs, look.

Needs Chromium (`apt install chromium`, or any other, named with --browser). Everything runs in a
temporary folder and on free ports of 127.0.0.1, and is stopped at the end; docs/screenshots.md
says more.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pandas as pd
from PIL import Image

from recsys_pipeline.defs import instance_for, run_weekly
from recsys_pipeline.settings import FILE_NAME, Settings, load_settings
from recsys_pipeline.storage.reports import FileReportStore

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 200_000
HOST = "127.0.0.1"

WEEKS = ("2023-12-04T03:00", "2023-12-11T03:00", "2023-12-18T03:00")
TRAINED = {"workflowType": "machine_learning"}
"""Makes MLflow open with its pages for trained models, not those for language models."""
WORLD = """
[source.simulated]
users = 2000
movies = 500
interactions = 40000

[serving]
port = {}

[ui]
dagster_port = {}
mlflow_port = {}
docs_port = {}
"""


@dataclass(frozen=True)
class Picture:
    """One page to look at.

    Attributes:
        name: of the file, without ending.
        url: of the page.
        size: of the window, in pixels.
        part: of the window that is kept: left, top, right, bottom; None is all of it.
    """

    name: str
    url: str
    size: tuple[int, int] = (1500, 900)
    part: tuple[int, int, int, int] | None = None


def main() -> int:
    """Make the folder, serve it, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="pictures to take; all if none is named")
    parser.add_argument("--folder", type=Path, help="keep the runs there, and use those there")
    parser.add_argument("--browser", default="chromium", help="Chromium's command")
    parser.add_argument("--to", type=Path, default=IMAGES, help="where the pictures go")
    asked = parser.parse_args()
    browser = shutil.which(asked.browser)
    if browser is None:
        print(f"{asked.browser} was not found: install Chromium, or name it", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        settings = prepared(asked.folder or Path(scratch) / "shop")
        asked.to.mkdir(parents=True, exist_ok=True)
        with served(settings):
            for picture in pictures(settings):
                if not asked.names or picture.name in asked.names:
                    take(picture, browser, asked.to, Path(scratch) / "browser")
    return 0


def prepared(folder: Path) -> Settings:
    """The settings of a folder in which the weeks have been run."""
    path = folder / FILE_NAME
    if path.exists():
        return load_settings(path)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "workspace.yaml", folder)
    path.write_text(WORLD.format(*free_ports(4)), encoding="utf-8")
    settings = load_settings(path)
    with instance_for(folder) as instance:
        for week in WEEKS:
            run_weekly(settings, pd.Timestamp(week, tz="UTC").as_unit("us"), instance=instance)
            print(f"the week that ends on {week[:10]} has been run")
    return settings


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind((HOST, 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@contextmanager
def served(settings: Settings) -> Iterator[None]:
    """`recsys ui` for `settings`, in a process group of its own, until the end of the block."""
    recsys = Path(sys.executable).with_name("recsys")
    process = subprocess.Popen(
        [str(recsys), "ui", "--settings", str(settings.root / FILE_NAME)],
        cwd=settings.root,
        start_new_session=True,
    )
    try:
        ui = settings.ui
        for port in (settings.serving.port, ui.dagster_port, ui.docs_port, ui.mlflow_port):
            wait_for(port, process)
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once something answers on `port`. Raises RuntimeError if nothing does."""
    pause = threading.Event()
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"recsys ui ended with exit code {process.returncode}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((HOST, port)) == 0:
                return
        pause.wait(0.5)
    raise RuntimeError(f"nothing answers on port {port}")


def pictures(settings: Settings) -> Iterator[Picture]:
    """Every picture of the docs."""
    dagster = f"http://{HOST}:{settings.ui.dagster_port}"
    mlflow = f"http://{HOST}:{settings.ui.mlflow_port}"
    page = f"http://{HOST}:{settings.serving.port}"
    yield Picture("page_user", f"{page}/users/42", (1180, 1000))
    yield Picture("page_releases", f"{page}/releases", (1180, 1000))
    if len(FileReportStore(settings.data / "reports").weeks()) > len(WEEKS):
        # A simulated half year: without one these pages are empty.
        yield Picture("page_monitoring", f"{page}/monitoring", (1180, 1500))
        yield Picture("page_experiments", f"{page}/experiments", (1180, 1250))
        return
    yield Picture("dagster_assets", f"{dagster}/asset-groups", (1700, 620))
    yield Picture("dagster_checks", f"{dagster}/assets/mapped_interactions?view=checks")
    yield Picture("dagster_plots", f"{dagster}/assets/evaluation_metrics?view=checks", (1500, 1250))
    yield Picture("dagster_schedule", f"{dagster}/automation", (1500, 430))
    experiment, newest = newest_run(mlflow, settings.tracking.experiment)
    compared = {
        "runs": json.dumps(children(mlflow, experiment, newest)),
        "experiments": json.dumps([experiment]),
        "metric": '"recall_by_k"',
        "plot_metric_keys": '["recall_by_k"]',
        "plot_layout": "{}",
        "x_axis": "step",
        "y_axis_scale": "linear",
        "line_smoothness": "1",
        "show_point": "true",
        "deselected_curves": "[]",
        "last_linear_y_axis_range": "[]",
        **TRAINED,
    }
    charts = {**TRAINED, "compareRunsMode": "CHART"}
    # MLflow keeps the right of the window for its assistant.
    yield Picture(
        "mlflow_compare",
        f"{mlflow}/#/metric?{urlencode(compared, quote_via=quote)}",
        (2000, 900),
        (0, 0, 1484, 900),
    )
    yield Picture(
        "mlflow_runs",
        f"{mlflow}/#/experiments/{experiment}/runs?{urlencode(charts)}",
        (2000, 1050),
        (0, 0, 1484, 1020),
    )


def newest_run(mlflow: str, experiment: str) -> tuple[str, str]:
    """The experiment's id and its newest parent run."""
    found = ask(f"{mlflow}/api/2.0/mlflow/experiments/get-by-name?experiment_name={experiment}")
    number = found["experiment"]["experiment_id"]
    for run in search(mlflow, number, ""):
        if not any(tag["key"] == "mlflow.parentRunId" for tag in run["data"].get("tags", [])):
            return number, run["info"]["run_id"]
    raise RuntimeError(f"the experiment {experiment} has no runs")


def children(mlflow: str, experiment: str, parent: str) -> list[str]:
    """The runs nested in `parent`."""
    wanted = f"tags.`mlflow.parentRunId` = '{parent}'"
    return [run["info"]["run_id"] for run in search(mlflow, experiment, wanted)]


def search(mlflow: str, experiment: str, wanted: str) -> list[Any]:
    """Runs of an experiment, newest first."""
    body = {"experiment_ids": [experiment], "filter": wanted, "max_results": 500}
    return list(ask(f"{mlflow}/api/2.0/mlflow/runs/search", body)["runs"])


def ask(url: str, body: dict[str, Any] | None = None) -> Any:
    """JSON from a server of ours."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def take(picture: Picture, browser: str, folder: Path, profile: Path) -> None:
    """Write the picture, with as few colours as make it small."""
    path = folder / f"{picture.name}.png"
    width, height = picture.size
    subprocess.run(
        [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            "--virtual-time-budget=20000",
            f"--screenshot={path}",
            picture.url,
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    with Image.open(path) as image:
        shot = image.convert("RGB").crop(picture.part)
    for colours in (256, 128, 64, 32):
        small = shot.quantize(colours, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            break
    print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
