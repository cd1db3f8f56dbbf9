"""Candidates: the best, and what boosts and limits may need beyond them."""

import numpy as np
import pandas as pd
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.data.dataset import UserBatch
from recsys_pipeline.data.genres import GenreTable
from recsys_pipeline.models.base import top_k
from recsys_pipeline.ranking.candidates import candidates
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.config import RerankingConfig
from recsys_pipeline.ranking.reranking import rerank
from recsys_pipeline.ranking.rules import Rules

N, ITEMS, GENRES = 5, 40, 4


def world(seed: int) -> tuple[np.ndarray, UserBatch, Catalogue, np.random.Generator]:
    """Every movie has one genre, and everybody has the first genre's movies first."""
    rng = np.random.default_rng(seed)
    genre = rng.integers(GENRES, size=ITEMS)
    table = GenreTable(tuple("abcd"), sp.csr_matrix(np.eye(GENRES, dtype=np.float32)[genre]))
    scores = rng.integers(1, 9, (N, ITEMS)).astype(np.float32) / 20 + (genre == 0) / np.float32(2)
    seen = sp.csr_matrix((rng.random((N, ITEMS)) < 0.1).astype(np.float32))
    users = UserBatch(seen, seen, pd.DataFrame(index=range(N)))
    return scores, users, Catalogue(table, np.zeros(ITEMS, np.int64)), rng


def rules(factors=None, limit=None, allowed=None) -> Rules:
    return Rules(allowed, factors, limit, frozenset(), ())


SEEDS = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.integers(1, 50))
def test_without_boost_or_limit_they_are_the_top(seed: int, m: int) -> None:
    scores, users, catalogue, rng = world(seed)
    one, two = rng.random(ITEMS) < 0.8, rng.random(ITEMS) < 0.8
    found = candidates(scores, users, m, catalogue=catalogue, rules=rules(allowed=one), allowed=two)
    for mine, plain in zip(found, top_k(scores, users, m, allowed=one & two), strict=True):
        np.testing.assert_array_equal(mine, plain)


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(1, 12))
def test_the_best_after_boosting_are_among_them(seed: int, m: int) -> None:
    scores, users, catalogue, rng = world(seed)
    factors = rng.choice(np.float32([0.1, 0.5, 1, 4]), ITEMS)
    allowed = rng.random(ITEMS) < 0.9
    items, values = candidates(
        scores, users, m, catalogue=catalogue, rules=rules(factors, 2), allowed=allowed
    )
    best, _ = top_k(scores * factors, users, m, allowed=allowed)
    plain, _ = top_k(scores, users, m, allowed=allowed)
    seen = users.seen.toarray() > 0
    for row in range(N):
        own = items[row][items[row] >= 0]
        assert len(set(own)) == len(own)
        assert allowed[own].all()
        assert not seen[row, own].any()
        assert {*best[row], *plain[row]} - {-1} <= set(own)
        np.testing.assert_array_equal(values[row, : len(own)], scores[row, own])
        assert np.isneginf(values[row, len(own) :]).all()
        np.testing.assert_array_equal(np.lexsort((own, -scores[row, own])), np.arange(len(own)))


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_a_limit_per_genre_holds_in_full_lists_while_there_are_other_genres(seed: int) -> None:
    scores, users, catalogue, _ = world(seed)
    limit = rules(limit=2)
    items, values = candidates(scores, users, 6, catalogue=catalogue, rules=limit)
    placed = rerank(
        items,
        np.maximum(values, 0),
        users,
        6,
        catalogue=catalogue,
        config=RerankingConfig(diversity=0, exploration_slots=0),
        keys=np.zeros(N, np.uint64),
        rules=limit,
    )
    genre = catalogue.genres.movies.toarray().argmax(axis=1)
    open_ = users.seen.toarray() == 0
    for row in range(N):
        there = np.bincount(genre[open_[row]], minlength=GENRES)
        counts = np.bincount(genre[placed.items[row][placed.items[row] >= 0]], minlength=GENRES)
        if np.minimum(there, 2).sum() >= 6:
            assert counts.max() == 2
            assert not placed.beyond_limit[row].any()
        else:
            assert placed.beyond_limit[row].any()
