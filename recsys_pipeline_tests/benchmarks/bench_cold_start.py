"""How good the released lists are for users of whom more or less is known, by true probability.

    python bench_cold_start.py [--seed N]

The simulated world knows how likely each user is to like each movie. The default recipe is trained
as the weekly run trains it; then users are asked about with parts of what is known left out. For
"no preferred genres" that column is left out of the training too.
"""

import argparse
from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset, UserBatch
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.prepare import prepare
from recsys_pipeline.pipeline.top_n import occasion_of
from recsys_pipeline.pipeline.training import load_cuts, train
from recsys_pipeline.ranking.config import RerankingConfig
from recsys_pipeline.ranking.exploration import exploration_keys
from recsys_pipeline.ranking.released import ReleasedModel
from recsys_pipeline.simulation import World, WorldConfig
from recsys_pipeline.sources import SimulatedSource

K = 10
DIALS_AT_ZERO = RerankingConfig(diversity=0, serendipity_slots=0, exploration_slots=0)


def trained(config: WorldConfig, without: list[str]) -> tuple[ReleasedModel, Dataset, str]:
    """The released model of the default recipe, the data, and who makes the lists."""
    source, learning = SimulatedSource(config), LearningConfig()
    as_of = source.newest_event()
    tables = prepare(source.read(as_of), as_of, learning)
    users = tables.users.drop(columns=without)
    cuts = load_cuts(users, tables.movies, tables.interactions, learning, as_of)
    result = train(cuts, make_feature_matrix(cuts, learning), learning, lambda line: None)
    return result.released, cuts.everything, result.facts.chosen


def worth(
    model: ReleasedModel, batch: UserBatch, data: Dataset, world: World
) -> tuple[float, float, int]:
    """Mean true like-probability with dials at zero and as shipped; different movies shown."""
    users = np.arange(len(batch))
    keys = exploration_keys(data.users.values, occasion_of(data.as_of))
    plain = replace(model, reranking=DIALS_AT_ZERO).recommend(batch, K).items
    shipped = model.recommend(batch, K, keys=keys).items
    # The id of row i is i + 1, so rows are those of the world.
    true = [
        float(world.like_probability(users[:, None], lists).mean()) for lists in (plain, shipped)
    ]
    return true[0], true[1], len(np.unique(shipped))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=42, help="of the world")
    given, _ = parser.parse_known_args()
    config = WorldConfig(seed=given.seed)
    world = World(config)
    model, data, chosen = trained(config, [])
    batch = data.batch()
    nothing = sp.csr_matrix(batch.history.shape, dtype=np.float32)
    blank = pd.DataFrame(index=range(len(batch)))
    little = batch.profiles[[n.AGE, n.SEGMENT]]
    asked = {
        "everything": batch,
        "full profile, no history": UserBatch(nothing, nothing, batch.profiles),
        "segment and age only": UserBatch(nothing, nothing, little),
        "nothing": UserBatch(nothing, nothing, blank),
    }
    print("| known of the user | dials at zero | as shipped | movies shown | lists by |")
    print("| --- | ---: | ---: | ---: | --- |")
    for name, users in asked.items():
        plain, shipped, movies = worth(model, users, data, world)
        print(f"| {name} | {plain:.4f} | {shipped:.4f} | {movies:,} | {chosen} |")
    model, data, chosen = trained(config, [n.PREFERRED_GENRES])
    plain, shipped, movies = worth(model, data.batch(), data, world)
    print(
        f"| history, segment and age; no genres column anywhere | {plain:.4f} | {shipped:.4f} | "
        f"{movies:,} | {chosen} |"
    )


if __name__ == "__main__":
    main()
