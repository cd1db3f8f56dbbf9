"""The feature matrix: one row per labelled pair of the ranker's window."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset, Events, Int32Array
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts
from recsys_pipeline.ranking.features import PairFeatures

LABEL = "label"


def make_feature_matrix(cuts: Cuts, learning: LearningConfig) -> pd.DataFrame:
    """Features of the labelled pairs of the window, as known before the window.

    Where the data hold dislikes, the pairs are the window's events that say it; else its likes,
    and for each of them `ranker.negatives` movies that the user did not choose, half drawn by
    popularity and half evenly.

    Returns:
        columns user_id, movie_id, label (int8, 1 for a like), and those of `PairFeatures`
        (float32). Without a single pair the frame is empty. More than `ranker.max_pairs` are
        sampled down to that.
    """
    rng = np.random.default_rng([learning.seed, 3])
    user, item, label = labelled_pairs(cuts, learning, rng)
    if len(user) > learning.ranker.max_pairs:
        kept = np.sort(rng.choice(len(user), learning.ranker.max_pairs, replace=False))
        user, item, label = user[kept], item[kept], label[kept]
    history = cuts.history
    features = PairFeatures().fit(history)
    users, rows = np.unique(user, return_inverse=True)
    values = features.transform(cuts.known_history.batch(users), rows.astype(np.int32), item)
    frame = pd.DataFrame(values, columns=list(PairFeatures.names))
    frame.insert(0, LABEL, label)
    frame.insert(0, n.MOVIE_ID, history.items.id_of(item))
    frame.insert(0, n.USER_ID, history.users.id_of(user))
    return frame


def labelled_pairs(
    cuts: Cuts, learning: LearningConfig, rng: np.random.Generator
) -> tuple[Int32Array, Int32Array, npt.NDArray[np.int8]]:
    """User, item and label (0 or 1) of each pair, all ``(n,)``, ordered by user and item."""
    window = cuts.window
    if window.label is not None:
        said = ~np.isnan(window.label)
        user, item = window.user[said], window.item[said]
        label = window.positive[said].astype(np.int8)
    else:
        likes = window.take(window.positive)
        other_user, other_item = _not_chosen(cuts.train, likes, learning.ranker.negatives, rng)
        user = np.concatenate([likes.user, other_user])
        item = np.concatenate([likes.item, other_item])
        label = np.repeat(np.array([1, 0], np.int8), [len(likes), len(other_user)])
    order = np.lexsort((label, item, user))
    return user[order], item[order], label[order]


def _not_chosen(
    train: Dataset, likes: Events, per_like: int, rng: np.random.Generator
) -> tuple[Int32Array, Int32Array]:
    """Movies that the users of `likes` did not choose up to the end of the window."""
    user = np.repeat(likes.user, per_like)
    if not len(user):
        return user, user.copy()
    popularity = np.bincount(train.events.item, minlength=train.n_items).astype(float)
    by_popularity = rng.choice(train.n_items, len(user), p=popularity / popularity.sum())
    evenly = rng.integers(0, train.n_items, len(user))
    item = np.where(np.arange(len(user)) % 2 == 0, by_popularity, evenly).astype(np.int32)
    chosen = np.asarray(train.seen[user, item]).ravel() > 0
    pairs = np.unique(user[~chosen].astype(np.int64) * train.n_items + item[~chosen])
    return (pairs // train.n_items).astype(np.int32), (pairs % train.n_items).astype(np.int32)
