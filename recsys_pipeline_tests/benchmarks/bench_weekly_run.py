"""The default world through a whole `recsys run`, beside the notebook that this package replaces.

    python bench_weekly_run.py [--runs N] [--skip-seed]

Ours is the whole process: loading the frameworks, checks, training, judging, lists for all 10,000
users, release. It runs once to fill its folder and is then measured. The notebook is made anew
below with the same size and the same steps, and lists for three users. Both are processes of their
own, one after the other, and count wall and processor time and the most memory held.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation import World, WorldConfig

HERE = Path(__file__).parent
K = 10


@dataclass(frozen=True)
class Measured:
    """One process: wall and processor seconds, most memory in MB, and what it printed."""

    seconds: float
    processor: float
    megabytes: float
    output: str


def measure(command: list[str], folder: Path) -> Measured:
    """Run `command` in `folder`, exit if it fails.

    RECSYS_* variables are left out. Compiled modules are kept in `folder`, so that a second run
    starts as it does on any machine, even where this process must not write any.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RECSYS_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "pycache")
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{err.read()}")
        unit = 1e6 if sys.platform == "darwin" else 1e3
        return Measured(
            seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, out.read()
        )


def recsys(*arguments: str) -> list[str]:
    """The command line of this Python's installation."""
    return [sys.executable, "-c", "from recsys_pipeline.cli import main; main()", *arguments]


def like_probabilities(folder: Path, release: str) -> dict[str, float]:
    """Mean true like-probability of the first ten of every user's list, and of other lists."""
    world = World(WorldConfig())
    users, movies = np.arange(world.config.users), np.arange(world.config.movies)
    lists = pd.read_parquet(folder / "data" / "releases" / release / "top_n.parquet")
    first = lists[lists[n.RANK] <= K]
    # The id of row i is i + 1.
    ours = world.like_probability(first[n.USER_ID].to_numpy() - 1, first[n.MOVIE_ID].to_numpy() - 1)
    rated = world.movies()[n.MEAN_RATING].to_numpy()
    best = np.argsort(-rated, kind="stable")[:K]
    draws = np.random.default_rng(0).choice(movies, size=(len(users), K))
    return {
        "ours": float(ours.mean()),
        "oracle": float(world.best_possible(users, K).mean()),
        "ten best rated": float(world.like_probability(users[:, None], best).mean()),
        "random": float(world.like_probability(users[:, None], draws).mean()),
    }


def our_run(runs: int) -> float:
    """Measure, print, and return the median of the wall seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure(recsys("run", "--json"), folder)
        measured = [measure(recsys("run", "--json"), folder) for _ in range(runs)]
        found = [json.loads(each.output) for each in measured]
        release = found[-1]["release"]
        worth = like_probabilities(folder, release["release"])
    seconds = statistics.median(each.seconds for each in measured)
    print(f"recsys run, warm, median of {runs}")
    print(f"  wall                 {seconds:8.1f} s")
    print(f"  processor            {statistics.median(m.processor for m in measured):8.1f} s")
    print(f"  peak memory          {max(m.megabytes for m in measured):8.0f} MB")
    for step in found[-1]["seconds"]:
        median = statistics.median(each["seconds"][step] for each in found)
        print(f"    {step:<18} {median:8.1f} s")
    between = statistics.median(
        m.seconds - sum(f["seconds"].values()) for m, f in zip(measured, found, strict=True)
    )
    print(f"    {'start, and between':<18} {between:8.1f} s")
    print(f"  released             {release['recommender']}")
    print(f"  AUC on the test      {release['metrics/auc']:8.3f}   (best possible .763)")
    print("  mean true like-probability of the first ten")
    for who, value in worth.items():
        print(f"    {who:<18} {value:8.3f}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1, help="measured runs; the median is shown")
    parser.add_argument("--skip-seed", action="store_true", help="leave the notebook out")
    given, _ = parser.parse_known_args()
    ours = our_run(max(given.runs, 1))
    if given.skip_seed:
        return
    with tempfile.TemporaryDirectory() as name:
        seed = measure([sys.executable, str(HERE / "seed_notebook.py")], Path(name))
    print("the notebook, once")
    print(f"  wall                 {seed.seconds:8.1f} s   (lists for 3 users in it)")
    print(f"  processor            {seed.processor:8.1f} s")
    print(f"  peak memory          {seed.megabytes:8.0f} MB")
    print(seed.output, end="")
    print(f"ratio ours : notebook, wall {ours / seed.seconds:.2f}")


if __name__ == "__main__":
    main()
