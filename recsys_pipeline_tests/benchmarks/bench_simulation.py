"""How long the simulated world takes to make, and how much memory.

    python bench_simulation.py [--large]

Without an option the default world: 10,000 users, 2,000 movies, 150,000 interactions. With
--large 1,000,000 users, 100,000 movies and 20,000,000 interactions. Each is made in a process of
its own, so that the peak is its own; loading the libraries is in the peak and not in the seconds.
"""

import argparse
import resource
import subprocess
import sys
from time import perf_counter

SIZES = {"default": (10_000, 2_000, 150_000), "large": (1_000_000, 100_000, 20_000_000)}


def make(size: str) -> None:
    """Make the three tables once, and print one line."""
    from recsys_pipeline.simulation import World, WorldConfig

    users, movies, interactions = SIZES[size]
    unit = 1e6 if sys.platform == "darwin" else 1e3
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = perf_counter()
    world = World(WorldConfig(users=users, movies=movies, interactions=interactions))
    tables = world.users(), world.movies(), world.interactions()
    seconds = perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shape = " × ".join(f"{len(table):,}" for table in tables)
    print(
        f"{shape}: wall {seconds:.2f} s, processor {processor:.2f} s, peak "
        f"{after.ru_maxrss / unit:,.0f} MB ({before.ru_maxrss / unit:,.0f} MB before)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--large", action="store_true", help="the large world too")
    parser.add_argument("--only", choices=SIZES, help="make this one here, in this process")
    given, _ = parser.parse_known_args()
    if given.only:
        make(given.only)
        return
    for size in ("default", *(("large",) if given.large else ())):
        subprocess.run([sys.executable, __file__, "--only", size], check=True)


if __name__ == "__main__":
    main()
