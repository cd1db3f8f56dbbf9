"""How fitting and the lists of all users grow with the data: seconds and most memory.

    python bench_scaling.py [--sizes 1,3,10,30] [--series users,movies] [--recommenders …]

The simulated world of 10,000 users, 2,000 movies and 150,000 interactions at each size: users and
interactions grow together; in the series `users` the movies stay, in `movies` they grow with them
up to 20,000. Every size is a process of its own, so that the peak is its own. Each recommender has
its usual settings; `lists` are ten unseen movies of every user. Slopes are those of a straight
line through the logarithms: 1 is in proportion to the interactions.

The peak is that of fit and lists (on Linux it is set back before them; elsewhere it may be that of
making the tables). It counts libraries and tables too: the last column says how much of it was
there before the fit, with what making the tables left free for the fit to use again.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from recsys_pipeline.commands.threads import THREADS

USERS, MOVIES, INTERACTIONS = 10_000, 2_000, 150_000
MOST_MOVIES = 20_000
SIZES = (1, 3, 10, 30)
K = 10
SEED = 42
RECOMMENDERS = ("popularity", "item_knn", "ease", "als", "taste")
LIMIT_SECONDS = 600
LIMIT_BYTES = 6_000_000_000


def peak() -> float:
    """Most memory of this process so far, in MB."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def set_peak_back() -> None:
    """Let the peak count from what is held now, where the system can do that."""
    switch = Path("/proc/self/clear_refs")
    if switch.exists():
        switch.write_text("5", encoding="ascii")


def one(size: int, movies: int, name: str) -> None:
    """Make the world, fit one recommender, list all users, and print one line of JSON."""
    from recsys_pipeline.data.build import build_dataset
    from recsys_pipeline.data.config import LikesConfig
    from recsys_pipeline.models import make
    from recsys_pipeline.simulation import World, WorldConfig

    config = WorldConfig(users=size * USERS, movies=movies, interactions=size * INTERACTIONS)
    world = World(config)
    tables = world.users(), world.movies(), world.interactions()
    data = build_dataset(*tables, LikesConfig(), world.newest_event())
    del tables
    users = data.batch()
    set_peak_back()
    before = peak()
    started = perf_counter()
    model = make(name).fit(data, np.random.default_rng(SEED))
    fitted = perf_counter()
    items, _ = model.recommend(users, K)
    listed = perf_counter()
    assert items.shape == (size * USERS, K)
    found = {
        "interactions": len(data.events),
        "fit": fitted - started,
        "lists": listed - fitted,
        "peak": peak(),
        "before": before,
    }
    print(json.dumps(found))


def measured(size: int, movies: int, name: str) -> dict[str, Any] | str:
    """What `one` prints, in a process with limits; or why there is nothing."""
    command = [sys.executable, __file__, "--only", f"{size},{movies},{name}"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))

    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
            preexec_fn=limit,
            env={**THREADS, **os.environ},
        )
    except subprocess.TimeoutExpired:
        return f"more than {LIMIT_SECONDS} s"
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return lines[-1] if lines else f"stopped with {done.returncode}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def slope(sizes: list[int], values: list[float]) -> str:
    """Slope of a straight line through the logarithms; of tiny values there is none."""
    if len(sizes) < 2 or min(values) <= 0:
        return "–"
    return f"{np.polyfit(np.log(sizes), np.log(values), 1)[0]:.2f}"


def series(title: str, sizes: list[int], recommenders: list[str], grows: bool) -> None:
    """One table: every recommender at every size."""
    print(f"\n### {title}\n")
    head = "| recommender | size | users × movies × interactions | fit (s) | lists (s) | "
    print(head + "peak (MB) | of it before (MB) |")
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: |")
    slopes = []
    for name in recommenders:
        reached: dict[int, dict[str, Any]] = {}
        for size in sizes:
            movies = min(MOVIES * size, MOST_MOVIES) if grows else MOVIES
            found = measured(size, movies, name)
            shape = f"{size * USERS:,} × {movies:,} × {size * INTERACTIONS:,}"
            if isinstance(found, str):
                print(f"| {name} | {size}× | {shape} | not reached: {found} | | | |", flush=True)
                break
            reached[size] = found
            print(
                f"| {name} | {size}× | {shape} | {found['fit']:.2f} | {found['lists']:.2f} | "
                f"{found['peak']:,.0f} | {found['before']:,.0f} |",
                flush=True,
            )
        own = list(reached)
        keys = ("fit", "lists", "peak")
        parts = [slope(own, [each[key] for each in reached.values()]) for key in keys]
        slopes.append(f"| {name} | {' | '.join(parts)} |")
    print("\nSlopes of log against log, over the sizes reached:\n")
    print("| recommender | fit | lists | peak |")
    print("| --- | ---: | ---: | ---: |")
    print("\n".join(slopes), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="factors, with commas")
    parser.add_argument("--series", default="users,movies", help="users, movies, or both")
    parser.add_argument("--recommenders", default=",".join(RECOMMENDERS), help="with commas")
    parser.add_argument("--only", help="size,movies,recommender: measure it here and print JSON")
    given, _ = parser.parse_known_args()
    if given.only:
        size, movies, name = given.only.split(",")
        one(int(size), int(movies), name)
        return
    sizes = [int(size) for size in given.sizes.split(",")]
    recommenders = given.recommenders.split(",")
    wanted = given.series.split(",")
    if "users" in wanted:
        series("Users and interactions grow, 2,000 movies", sizes, recommenders, grows=False)
    if "movies" in wanted:
        title = f"Movies grow too, up to {MOST_MOVIES:,}"
        series(title, sizes, recommenders, grows=True)


if __name__ == "__main__":
    main()
