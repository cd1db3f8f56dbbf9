"""The share watched as a like, and as the weight of a choice."""

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.errors import SettingsError

USERS = pd.DataFrame({n.USER_ID: [1, 2]})
MOVIES = pd.DataFrame({n.MOVIE_ID: [10, 20, 30]})
WATCHED = pd.DataFrame(
    {n.USER_ID: [1, 1, 2], n.MOVIE_ID: [10, 20, 30], n.WATCH_FRACTION: [0.9, 0.1, np.nan]}
)


def test_watched_far_enough_is_a_like_and_less_a_dislike():
    events = build_dataset(USERS, MOVIES, WATCHED, LikesConfig(positive="watched"), None).events
    assert events.positive.tolist() == [True, False, False]
    assert events.label is not None
    np.testing.assert_array_equal(events.label, [1, 0, np.nan])


def test_without_likes_and_ratings_the_share_watched_weighs_a_choice():
    events = build_dataset(USERS, MOVIES, WATCHED, LikesConfig(), None).events
    assert events.positive.all()
    assert events.label is None
    np.testing.assert_allclose(events.weight, [0.93, 0.37, 1.0], rtol=1e-6)


def test_watched_needs_its_column():
    with pytest.raises(SettingsError, match="watch_fraction"):
        build_dataset(
            USERS, MOVIES, WATCHED[[n.USER_ID, n.MOVIE_ID]], LikesConfig(positive="watched"), None
        )
