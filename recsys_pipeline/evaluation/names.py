"""Names of the metrics in tables and logs, and what they are called for people."""

import re
from typing import Final

PRECISION: Final = "precision"
RECALL: Final = "recall"
NDCG: Final = "ndcg"
MAP: Final = "map"
MRR: Final = "mrr"
HIT_RATE: Final = "hit_rate"
COVERAGE: Final = "coverage"

NOVELTY: Final = "novelty"
DIVERSITY: Final = "intra_list_diversity"
SERENDIPITY: Final = "serendipity"
POPULARITY_LIFT: Final = "popularity_lift"
MISCALIBRATION: Final = "miscalibration"
GINI: Final = "gini"
DISTINCT_MOVIES: Final = "distinct_movies"
SAMENESS: Final = "sameness"
SHORT_LISTS: Final = "short_lists"
REPEATED: Final = "repeated"

LIKED_SHARE_IN_TOP: Final = "liked_share_in_top"
AUC: Final = "auc"
AUC_BY_USER: Final = "auc_by_user"
LIKED_PRECISION: Final = "liked_precision"
LIKED_RECALL: Final = "liked_recall"
LIKED_F1: Final = "liked_f1"

_LABELS: Final = {
    PRECISION: "Precision",
    RECALL: "Recall",
    NDCG: "nDCG",
    MAP: "MAP",
    MRR: "MRR",
    HIT_RATE: "Hit rate",
    COVERAGE: "Catalogue coverage",
    NOVELTY: "Novelty (bits)",
    DIVERSITY: "Diversity within a list",
    SERENDIPITY: "Serendipity",
    POPULARITY_LIFT: "Popularity lift",
    MISCALIBRATION: "Genre miscalibration",
    GINI: "Gini index of what is shown",
    DISTINCT_MOVIES: "Different movies shown",
    SAMENESS: "Sameness of lists",
    SHORT_LISTS: "Share of short lists",
    REPEATED: "Share of lists with a movie twice",
    LIKED_SHARE_IN_TOP: "Share of likes in its own top 5 %",
    AUC: "AUC",
    AUC_BY_USER: "AUC within a user",
    LIKED_PRECISION: "Precision on likes",
    LIKED_RECALL: "Recall on likes",
    LIKED_F1: "F1 on likes",
}

_LOWER_IS_BETTER: Final = {MISCALIBRATION, GINI, SAMENESS, SHORT_LISTS, REPEATED}
_NEITHER: Final = {POPULARITY_LIFT}

# columns of the tables of figures
RECOMMENDER: Final = "recommender"
METRIC: Final = "metric"
K: Final = "k"
MEAN: Final = "mean"
LOW: Final = "low"
HIGH: Final = "high"
N_USERS: Final = "n_users"
DIFFERENCE: Final = "diff_to_{}"
DIFFERENCE_LOW: Final = "diff_low"
DIFFERENCE_HIGH: Final = "diff_high"
GROUPING: Final = "grouping"
GROUP: Final = "group"
FIRST: Final = "a"
SECOND: Final = "b"
DIFFERENCE_OF_PAIR: Final = "difference"
P_VALUE: Final = "p"
P_CORRECTED: Final = "p_corrected"

_AT_K = re.compile(r"(?P<base>\w+)_at_(?P<k>\d+)")


def at_k(base: str, k: int) -> str:
    """Name of a ranking metric in tables and logs.

    >>> at_k(NDCG, 10)
    'ndcg_at_10'
    """
    return f"{base}_at_{k}"


def base_and_k(metric: str) -> tuple[str, int | None]:
    """The two parts of a metric's name; k is None where it has none.

    >>> base_and_k("hit_rate_at_20"), base_and_k("auc")
    (('hit_rate', 20), ('auc', None))
    """
    found = _AT_K.fullmatch(metric)
    return (found["base"], int(found["k"])) if found else (metric, None)


def metric_label(metric: str) -> str:
    """A metric's name for people; an unknown one stays as it is.

    >>> metric_label("ndcg_at_10"), metric_label("auc")
    ('nDCG@10', 'AUC')
    """
    base, k = base_and_k(metric)
    label = _LABELS.get(base, base)
    return label if k is None else f"{label}@{k}"


def higher_is_better(metric: str) -> bool | None:
    """Whether a larger figure is a better one; None where neither end is good, or unknown.

    The popularity lift is None: lists may as well be too popular as too obscure.

    >>> higher_is_better("ndcg_at_10"), higher_is_better("gini_at_10")
    (True, False)
    """
    base, _ = base_and_k(metric)
    if base in _NEITHER or base not in _LABELS:
        return None
    return base not in _LOWER_IS_BETTER
