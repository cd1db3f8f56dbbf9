"""What groups of users like: popularity within a group, drawn towards what everybody likes."""

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import Dataset, Events, Float32Array

Float64Array = npt.NDArray[np.float64]

_MICROSECONDS_PER_DAY = 86_400_000_000
_PRIOR_EVENTS = 10.0


def recency_weights(likes: Events, half_life_days: float | None) -> Float64Array:
    """``weight * 0.5 ** (age / half_life)`` of each like, the age counted from the newest one.

    Counted from `as_of` itself, a short half-life would turn all weights into zero where the
    newest like is long ago. Without times or half-life, the plain weights.
    """
    weight = likes.weight.astype(np.float64)
    if half_life_days is None or likes.time is None or not len(likes):
        return weight
    days = (likes.time.max() - likes.time) / _MICROSECONDS_PER_DAY
    return np.asarray(weight * np.exp2(-days / half_life_days))


def tells_likes_apart(events: Events) -> bool:
    """Whether the events hold likes as well as dislikes."""
    label = events.label
    return label is not None and bool((label == 1).any() and (label == 0).any())


def group_scores(
    data: Dataset, group: npt.NDArray[np.integer], n_groups: int, prior: float
) -> Float32Array:
    """Scores of every item for everybody and for each group: float32 ``(1 + n_groups, n_items)``.

    Row 0 is what everybody likes: where dislikes are known the item's share of likes, drawn
    towards that of all events by a few imagined ones; else its share of all likes. The other rows
    are that, times ``(observed + prior) / (expected + prior)``: the likes of the group, and those
    that it would have if it liked as everybody does (the posterior mean of a Poisson rate with a
    gamma prior).

    Args:
        group: ``(n_users,)``, the group of each user, −1 for none.
        prior: imagined likes of each item in each group that are as expected; > 0.
    """
    events, n_items = data.events, data.n_items
    if tells_likes_apart(events) and events.label is not None:
        said = events.take(~np.isnan(events.label))
        observed = _counts(said, group, n_groups, n_items, said.positive.astype(np.float64))
        met = _counts(said, group, n_groups, n_items, np.ones(len(said)))
        overall = observed[0].sum() / met[0].sum()
        everybody = (observed[0] + _PRIOR_EVENTS * overall) / (met[0] + _PRIOR_EVENTS)
        expected = met * everybody
    else:
        likes = events.take(events.positive)
        observed = _counts(likes, group, n_groups, n_items, recency_weights(likes, None))
        everybody = observed[0] / max(observed[0].sum(), 1e-12)
        expected = observed.sum(axis=1, keepdims=True) * everybody
    scores = everybody * (observed + prior) / (expected + prior)
    scores[0] = everybody
    return np.asarray(scores, dtype=np.float32)


def _counts(
    events: Events,
    group: npt.NDArray[np.integer],
    n_groups: int,
    n_items: int,
    weight: Float64Array,
) -> Float64Array:
    """Sums of `weight` by item, over all events and over those of each group."""
    cell = (group[events.user].astype(np.int64) + 1) * n_items + events.item
    sums = np.bincount(cell, weights=weight, minlength=(1 + n_groups) * n_items)
    counts: Float64Array = sums.astype(np.float64).reshape(1 + n_groups, n_items)
    counts[0] = counts.sum(axis=0)
    return counts
