"""A MovieLens folder through `recsys init` and `recsys run`, and a benchmark on two splits.

    python bench_ratings.py FOLDER [--runs N] [--skip-run]

The splits are those of published figures: a random 75/25 of each user's ratings
(``sample(frac=1, random_state=42)`` on the file as it lies, the first 75 % per user), and the last
20 % of each user's time. There every rating is a like, weighted by its stars, and the test counts
only movies that training has.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from bench_weekly_run import measure, recsys

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.data.splits import Split, split
from recsys_pipeline.pipeline.benchmark_machine import machine
from recsys_pipeline.pipeline.benchmark_results import Benchmark
from recsys_pipeline.pipeline.benchmark_text import markdown
from recsys_pipeline.pipeline.benchmarking import compare_on, settings_for
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts, make_cuts
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.sources import MovieLensConfig, MovieLensSource

SEED = 42


def runs(path: Path, times: int) -> None:
    """`recsys init`, a run to fill the folder, measured runs, and one with a random split."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = measure(recsys("init", str(path)), folder)
        measure(recsys("run", "--json"), folder)
        warm = [measure(recsys("run", "--json"), folder) for _ in range(times)]
        drawn = measure(recsys("run", "--split", "random", "--json"), folder)
    print(f"recsys init            wall {first.seconds:.1f} s, processor {first.processor:.1f} s")
    print(
        f"recsys run, warm       wall {statistics.median(m.seconds for m in warm):.1f} s, "
        f"processor {statistics.median(m.processor for m in warm):.1f} s, "
        f"peak {max(m.megabytes for m in warm):,.0f} MB; median of {times}"
    )
    for title, output in (("as it comes", warm[-1].output), ("--split random", drawn.output)):
        found = json.loads(output)
        release, verdict = found["release"], found["verdict"]
        print(f"{title}: {release['recommender']}, nDCG@10 {release['metrics/ndcg_at_10']:.4f}")
        print(f"  {verdict['sentence']}")
        print(f"  {found['trained_model']['split']}")
        steps = ", ".join(f"{step} {took:.1f}" for step, took in found["seconds"].items())
        print(f"  seconds: {steps}")


def as_it_lies(path: Path, learning: LearningConfig) -> Dataset:
    """The folder as a Dataset whose events are in the order of the file, not of time."""
    source = MovieLensSource(MovieLensConfig(path=str(path)), path)
    as_of = source.newest_event()
    tables = prepare(source.read(as_of), as_of, learning)
    users, movies, ratings = tables.users, tables.movies, tables.interactions
    data = build_dataset(users, movies, ratings, learning.likes, as_of)
    key = data.events.user.astype(np.int64) * data.n_items + data.events.item
    # A user rates a movie once in MovieLens, so the pair names the event.
    in_file = data.users.index_of(ratings[n.USER_ID]).astype(np.int64) * data.n_items
    in_file += data.items.index_of(ratings[n.MOVIE_ID])
    place = pd.Index(key).get_indexer(in_file)
    return replace(data, events=data.events.take(place))


def outer_splits(data: Dataset) -> Iterator[tuple[str, Split]]:
    """Title and split of each protocol."""
    rng = np.random.RandomState(SEED)
    yield "random 75/25 per user", split(data.events, "random", rng=rng, test_share=0.25)
    never = np.random.default_rng(SEED)
    yield "last 20 % per user", split(data.events, "last", rng=never, test_share=0.2)


def cuts_of(data: Dataset, outer: Split, learning: LearningConfig) -> Cuts:
    """`outer` as the test, and within its training events the window of the settings."""
    train = data.cut(outer.train, data.as_of)
    evaluation = learning.evaluation
    within = evaluation.model_copy(
        update={"split": outer.kind, "test_share": evaluation.window_share}
    )
    inner = make_cuts(train, learning.model_copy(update={"evaluation": within}))
    return Cuts(
        everything=data,
        train=train,
        known=train,
        history=inner.train,
        known_history=inner.known,
        window=inner.test,
        test=data.events.take(outer.test),
        outer=outer,
        inner=inner.outer,
    )


def protocol(path: Path) -> None:
    """Every recommender on both splits, as Markdown."""
    learning = LearningConfig()
    data = as_it_lies(path, learning)
    found = []
    for title, outer in outer_splits(data):
        settings = settings_for(learning, outer.kind, None)
        cuts = cuts_of(data, outer, settings)
        made = compare_on(cuts, settings, _to_stderr, protocol="published")
        found.append(replace(made, data_set=path.name, asked=title))
    print(markdown(Benchmark(tuple(found), (), "published"), machine()))


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="a MovieLens data set as unzipped")
    parser.add_argument("--runs", type=int, default=1, help="measured runs; the median is shown")
    parser.add_argument("--skip-run", action="store_true", help="the two splits only")
    given, _ = parser.parse_known_args()
    if given.folder is None:
        print("Nothing measured: name a MovieLens folder, such as")
        print(f"  python {Path(__file__).name} ml-latest-small")
        return
    if not given.folder.is_dir():
        sys.exit(f"{given.folder} is not a folder.")
    path = given.folder.resolve()
    protocol(path)
    if not given.skip_run:
        runs(path, max(given.runs, 1))


if __name__ == "__main__":
    main()
