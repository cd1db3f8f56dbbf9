"""Lists for a large batch: our ALS beside implicit's own top-k, in one process.

    python bench_batch_scoring.py [--users 20000] [--items 20000] [--factors 64] [--repeats 5]

Both make exact lists of ten unseen movies out of the whole catalogue, from the same vectors. Ours
is timed with and without folding the users in from their histories: implicit keeps the users'
vectors and has nothing to fold in. implicit is timed with and without leaving out seen movies: with
it does what ours does, without it does less. They take turns, and medians are shown.
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import scipy.sparse as sp
from implicit.cpu.topk import topk
from threadpoolctl import threadpool_limits

from recsys_pipeline.data.dataset import UserBatch
from recsys_pipeline.models import AlsConfig
from recsys_pipeline.models.als import Als

K = 10
LIKES = 20
SEED = 42


def seconds(work: Callable[[], Any]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def histories(users: int, items: int, rng: np.random.Generator) -> sp.csr_matrix:
    """About `LIKES` liked items of each user, of weight 1: CSR float32 ``(users, items)``."""
    rows = np.repeat(np.arange(users), LIKES)
    columns = rng.integers(0, items, len(rows))
    made = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(users, items))
    made.sum_duplicates()
    made.data[:] = 1.0
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, size in (("users", 20_000), ("items", 20_000), ("factors", 64), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=size)
    given, _ = parser.parse_known_args()
    rng = np.random.default_rng(SEED)
    history = histories(given.users, given.items, rng)
    users = UserBatch(history, history, pd.DataFrame(index=range(given.users)))
    vectors = rng.normal(0, 0.1, (given.items, given.factors)).astype(np.float32)
    model = Als(AlsConfig(factors=given.factors))._keep(vectors)
    folded = model.fold_in(users)

    def implicits(seen: sp.csr_matrix | None = history) -> Any:
        # implicit warns where BLAS has more than one thread beside its own.
        with threadpool_limits(1, "blas"):
            return topk(vectors, folded, K, filter_query_items=seen)

    def ours() -> Any:
        return model.recommend(users, K)

    def without_fold_in() -> Any:
        with patch.object(model, "fold_in", lambda _: folded):
            return model.recommend(users, K)

    theirs_items, theirs_scores = implicits()
    items, scores = ours()
    same = float(np.mean(items == theirs_items))
    worst = float(np.abs(scores - theirs_scores).max())
    kinds = {
        "implicit topk, unseen movies": implicits,
        "implicit topk, all movies": lambda: implicits(None),
        "ours": ours,
        "ours, without fold-in": without_fold_in,
    }
    took: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(given.repeats):
        for name, work in kinds.items():
            took[name].append(seconds(work))
    like, bare = (median(took[name]) for name in list(kinds)[:2])
    print(f"{given.users:,} users × {given.items:,} items × {given.factors} factors, lists of {K}")
    print()
    print("| | median (s) | fastest (s) | slowest (s) | to implicit unseen | to implicit all |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, each in took.items():
        middle = median(each)
        times = f"{middle:.2f} | {min(each):.2f} | {max(each):.2f}"
        print(f"| {name} | {times} | {middle / like:.2f} | {middle / bare:.2f} |")
    print()
    print(f"{same:.2%} of the places agree; scores differ by {worst:.1e} at most.")


if __name__ == "__main__":
    main()
