"""The candidates that a list is made of: enough for every rule to hold."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array, UserBatch
from recsys_pipeline.models.base import top_k
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.rules import Rules


def candidates(
    scores: Float32Array,
    users: UserBatch,
    m: int,
    *,
    catalogue: Catalogue,
    rules: Rules,
    allowed: BoolArray | None = None,
) -> tuple[Int32Array, Float32Array]:
    """The m best unseen movies of each user, and those that the rules may prefer to them.

    With boosts, the m best of the movies of each factor: as the same factor changes no order, the
    m best after boosting are among them. With a limit per genre, as many movies of each genre as
    a list may have: one that is full of the favourite genre goes on with the best of the others.

    Args:
        scores: float32 ``(n, n_items)``, raw scores.
        users: the n users.
        m: candidates of each user where no rule asks for more.
        catalogue: facts about the movies.
        rules: its `allowed` holds too.
        allowed: bool ``(n_items,)``: none but these; None is all.

    Returns:
        items int32 and scores float32, ``(n, w)`` with w at least m, best first, ties in order of
        the item, −1 and −inf where no more are left; no item twice.
    """
    may = _both(allowed, rules.allowed)
    groups = list(_groups(m, catalogue, rules))
    if len(groups) == 1:
        return top_k(scores, users, m, allowed=may)
    found = []
    for columns, most in groups:
        part = UserBatch(users.history[:, columns], users.seen[:, columns], users.profiles)
        of_part = None if may is None else may[columns]
        places, best = top_k(scores[:, columns], part, most, allowed=of_part)
        found.append((np.where(places < 0, -1, columns[places]), best))
    items = np.concatenate([each for each, _ in found], axis=1)
    values = np.concatenate([each for _, each in found], axis=1)
    return _distinct(items.astype(np.int32), values)


def _both(first: BoolArray | None, second: BoolArray | None) -> BoolArray | None:
    if first is None or second is None:
        return second if first is None else first
    return first & second


def _groups(
    m: int, catalogue: Catalogue, rules: Rules
) -> Iterator[tuple[npt.NDArray[np.intp], int]]:
    """Items of which so many of the best are wanted; the first groups have every item."""
    if rules.factors is None:
        yield np.arange(catalogue.n_items), m
    else:
        for factor in np.unique(rules.factors):
            yield np.flatnonzero(rules.factors == factor), m
    if rules.max_per_genre is not None:
        by_genre = catalogue.genres.movies.tocsc()
        for genre in range(by_genre.shape[1]):
            inside = slice(by_genre.indptr[genre], by_genre.indptr[genre + 1])
            yield np.sort(by_genre.indices[inside]).astype(np.intp), rules.max_per_genre


def _distinct(items: Int32Array, values: Float32Array) -> tuple[Int32Array, Float32Array]:
    """Each item once, by descending value and then by item."""
    by_item = np.argsort(items, axis=1, kind="stable")
    items = np.take_along_axis(items, by_item, axis=1)
    values = np.take_along_axis(values, by_item, axis=1)
    again = np.zeros(items.shape, dtype=bool)
    again[:, 1:] = items[:, 1:] == items[:, :-1]
    gone = again | (items < 0)
    cost = np.where(gone, np.inf, -values)
    order = np.argsort(cost, axis=1, kind="stable")
    items = np.take_along_axis(np.where(gone, np.int32(-1), items), order, axis=1)
    return items, -np.take_along_axis(cost, order, axis=1).astype(np.float32)
