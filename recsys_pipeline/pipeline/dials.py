"""What the dials of reranking cost and bring, measured on the test."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.beyond import ListContext, intra_list_diversity, novelty
from recsys_pipeline.evaluation.dial_plots import DialPoint
from recsys_pipeline.evaluation.intervals import mean_interval
from recsys_pipeline.evaluation.lists import distinct_movies
from recsys_pipeline.evaluation.metrics import Hits, ndcg_at_k
from recsys_pipeline.pipeline.judging import Judge
from recsys_pipeline.ranking.released import ReleasedModel
from recsys_pipeline.ranking.reranking import Placed

DIVERSITY: Final = "diversity"
EXPLORATION: Final = "exploration_slots"
SERENDIPITY: Final = "serendipity_slots"
SETTINGS: Final[dict[str, tuple[float, ...]]] = {
    DIVERSITY: (0.0, 0.1, 0.2, 0.4, 0.6, 0.8),
    EXPLORATION: (0, 1, 2, 3),
    SERENDIPITY: (0, 1, 2, 3),
}
"""The settings of each dial that are tried, beside the one in use."""
PROBABILITY: Final = "estimated probability"
VARIETY: Final = {
    DIVERSITY: names.DIVERSITY,
    EXPLORATION: names.DISTINCT_MOVIES,
    SERENDIPITY: names.NOVELTY,
}
"""What each dial trades accuracy for."""

_MOST_USERS: Final = 500


def accuracy_metric(judge: Judge) -> str:
    """nDCG where choices are all that is known; where likes and dislikes are, the estimated
    probability of a like: hardly any movie of a list of ten was met in the test there."""
    if judge.held_out.exposures is not None:
        return PROBABILITY
    return names.at_k(names.NDCG, judge.learning.k)


def trade_off_points(judge: Judge, model: ReleasedModel) -> dict[str, list[DialPoint]]:
    """Accuracy and variety of the lists for several settings of each dial, the others as they are.

    Rests on at most 500 of the judged users.

    Args:
        judge: the test.
        model: evaluated on it.

    Returns:
        by dial the points in the order of its settings.
    """
    rows = np.arange(len(judge.users))[:_MOST_USERS]
    users, k, own = judge.users.take(rows), judge.learning.k, model.reranking
    context = judge.context(model)
    width = max(k, own.candidates)
    ranked = model.candidates(users, width)
    found: dict[str, list[DialPoint]] = {}
    for dial, settings in SETTINGS.items():
        points = []
        now = getattr(own, dial)
        for value in sorted({*(s for s in settings if s <= k or dial == DIVERSITY), now}):
            config = own.model_copy(update={dial: value})
            placed = model.place(ranked, users, k, config, judge.keys[rows])
            points.append(
                DialPoint(
                    setting=f"{value:g}",
                    accuracy=mean_interval(_accuracy(judge, placed, rows), judge.rng(7)),
                    variety=_variety(dial, placed, context),
                    shipped=value == now,
                )
            )
        found[dial] = points
    return found


def _accuracy(judge: Judge, placed: Placed, rows: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """One value per user."""
    if accuracy_metric(judge) == PROBABILITY:
        listed = placed.items >= 0
        total = np.where(listed, placed.scores, 0).sum(axis=1, dtype=np.float64)
        count = listed.sum(axis=1)
        values: npt.NDArray[np.float64] = np.full(len(rows), np.nan)
        np.divide(total, count, out=values, where=count > 0)
        return values
    hits = Hits.of(placed.items, judge.held_out.relevant[rows])
    return np.asarray(ndcg_at_k(hits, judge.learning.k))


def _variety(dial: str, placed: Placed, context: ListContext) -> float:
    if dial == EXPLORATION:
        return float(distinct_movies(placed.items))
    figure = intra_list_diversity if dial == DIVERSITY else novelty
    values = figure(placed.items, context)
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
