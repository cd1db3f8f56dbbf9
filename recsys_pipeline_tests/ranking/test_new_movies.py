"""A movie without a single like is found by its content."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.dataset import Dataset
from recsys_pipeline.models import make
from recsys_pipeline.ranking.panel import Panel

DRAMAS, COMEDIES = range(30), range(30, 60)
NEW_DRAMA, NEW_COMEDY = 60, 61


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Forty users who like dramas, forty who like comedies; one new movie of each kind."""
    return world(["Drama", "Comedy"])


def world(new: list[str]) -> Dataset:
    rng = np.random.default_rng(1)
    genres = ["Drama"] * 30 + ["Comedy"] * 30 + new
    movies = pd.DataFrame({n.MOVIE_ID: range(len(genres)), n.GENRES: [[each] for each in genres]})
    users = pd.DataFrame({n.USER_ID: range(80)})
    rows = [
        (user, int(movie))
        for user in range(80)
        for movie in rng.choice(DRAMAS if user < 40 else COMEDIES, 8, replace=False)
    ]
    interactions = pd.DataFrame(rows, columns=[n.USER_ID, n.MOVIE_ID])
    return build_dataset(users, movies, interactions, LikesConfig(), None)


def panel(data: Dataset, *names: str) -> Panel:
    rng = np.random.default_rng(0)
    return Panel({name: make(name).fit(data, rng) for name in ("popularity", *names)})


@pytest.mark.parametrize("name", ["ease", "als", "item_knn"])
def test_a_new_movie_of_the_right_genre_stands_before_one_of_the_wrong_genre(data, name):
    ranked = panel(data, name, "content").rank(data.batch(), 54, names=[name])[name]
    for user, (right, wrong) in ((0, (NEW_DRAMA, NEW_COMEDY)), (79, (NEW_COMEDY, NEW_DRAMA))):
        places = ranked.items[user].tolist()
        assert places.index(right) < places.index(wrong)


def test_without_content_new_movies_come_last(data):
    ranked = panel(data, "ease").rank(data.batch(), 54, names=["ease"])["ease"]
    assert {NEW_DRAMA, NEW_COMEDY} == set(ranked.items[0, -2:].tolist())


def test_no_new_movie_leads_a_list(data):
    ranked = panel(data, "ease", "content").rank(data.batch(), 5, names=["ease"])["ease"]
    assert not np.isin(ranked.items[:, 0], [NEW_DRAMA, NEW_COMEDY]).any()


def test_a_catalogue_without_new_movies_is_left_as_it_is():
    old = world([])
    with_content = panel(old, "ease", "content").rank(old.batch(), 10, names=["ease"])["ease"]
    alone = panel(old, "ease").rank(old.batch(), 10, names=["ease"])["ease"]
    assert np.array_equal(with_content.items, alone.items)
