"""Content: what is alike, and movies that nobody has met."""

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.models.config import ContentConfig
from recsys_pipeline.models.content import Content

RNG = np.random.default_rng(0)


def movies() -> pd.DataFrame:
    return pd.DataFrame(
        {
            n.TITLE: [
                "The Silent Star",
                "Star of Night",
                "Loud",
                "Star Silent",
                "Nothing",
                "Loud 2",
            ],
            n.GENRES: [["Drama"], ["Drama"], ["War"], ["Drama"], None, ["War"]],
            n.YEAR: pd.array([1995, 1991, 1995, 2020, None, 1999], dtype="Int64"),
            "studio": ["big", "small", "big", "big", None, "small"],
            "budget": [1.0, 2.0, 1.0, 9.0, np.nan, 2.0],
        }
    )


def history() -> np.ndarray:
    """User 0 likes the first movie, user 1 the third, user 2 the one without features."""
    liked = np.zeros((3, 6))
    liked[[0, 1, 2], [0, 2, 4]] = 1
    return liked


def test_the_nearest_movie_is_found_without_any_event_of_it(make_data) -> None:
    data = make_data(history(), movies=movies())
    model = Content().fit(data, RNG)
    scores = model.score(data.batch())
    assert scores[0].argsort()[::-1][:3].tolist() == [0, 3, 1]
    assert scores[1].argmax() == 2
    assert model.recommend(data.batch(), 1)[0][1, 0] == 5
    np.testing.assert_allclose(scores[[0, 1], [0, 2]], 1, rtol=1e-6)
    assert not scores[2].any()
    assert not scores[:, 4].any()
    assert model.knows(data.batch()).tolist() == [True, True, False]


def test_a_heavier_like_pulls_more(make_data) -> None:
    liked = np.zeros((2, 6))
    liked[:, [0, 2]] = [[1.0, 0.3], [0.3, 1.0]]
    data = make_data(liked, movies=movies())
    best = Content().fit(data, RNG).recommend(data.batch(), 1)[0][:, 0]
    assert best.tolist() == [3, 5]


def test_words_of_a_title_count_as_much_as_is_set(make_data) -> None:
    data = make_data(history(), movies=movies()[[n.TITLE]])
    scores = Content().fit(data, RNG).score(data.batch())
    assert scores[0, 3] > scores[0, 1] > scores[0, 2] == 0
    unread = Content(ContentConfig(title_weight=0)).fit(data, RNG)
    assert not unread.score(data.batch()).any()


def test_without_any_feature_nobody_is_known(make_data) -> None:
    data = make_data(history(), movies=movies()[[]])
    model = Content().fit(data, RNG)
    assert not model.score(data.batch()).any()
    assert not model.knows(data.batch()).any()
