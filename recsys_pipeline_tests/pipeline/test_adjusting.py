"""Settings of EASE that the data decide, in worlds where the answer is planted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.models.ease import Ease
from recsys_pipeline.pipeline.adjusting import OLDEST, REGULARIZATIONS, Adjusted, adjust
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.cuts import Cuts
from recsys_pipeline.pipeline.fitting import fit_generators
from recsys_pipeline.pipeline.training import load_cuts
from recsys_pipeline.pipeline.window import Window
from recsys_pipeline.ranking.panel import Panel

USERS, GENRES, MOVIES_EACH = 160, 4, 10
OLD, NEW, WINDOW, TEST = 5, 5, 2, 3


def learning_of(**ease: object) -> LearningConfig:
    return LearningConfig.model_validate(
        {
            "k": 3,
            "recommenders": {"use": ["ease"], "ease": ease},
            "ranker": {"kind": "none"},
            "evaluation": {
                "test_share": TEST / (OLD + NEW + WINDOW + TEST),
                "window_share": WINDOW / (OLD + NEW + WINDOW),
            },
        }
    )


def cuts_of(after: str) -> Cuts:
    """Users who like five movies of one genre, then ten of another one, a movie a day.

    Args:
        after: whether window and test are of the ``new`` genre, or of the ``old`` one again.
    """
    rng = np.random.default_rng(7)
    rows = []
    for user in range(USERS):
        old, new = rng.choice(GENRES, 2, replace=False)
        by_genre = [genre * MOVIES_EACH + rng.permutation(MOVIES_EACH) for genre in range(GENRES)]
        later = by_genre[new][NEW:] if after == "new" else by_genre[old][OLD:]
        movies = [*by_genre[old][:OLD], *by_genre[new][:NEW], *later]
        rows += [(user, movie, day, user) for day, movie in enumerate(movies)]
    frame = pd.DataFrame(rows, columns=[n.USER_ID, n.MOVIE_ID, "day", "second"])
    moment = pd.Timestamp("2024-01-01", tz="UTC")
    times = moment + pd.to_timedelta(frame["day"], "D") + pd.to_timedelta(frame["second"], "s")
    interactions = frame[[n.USER_ID, n.MOVIE_ID]].assign(**{n.TIMESTAMP: times.dt.as_unit("us")})
    users = pd.DataFrame({n.USER_ID: range(USERS)})
    movies = pd.DataFrame({n.MOVIE_ID: range(GENRES * MOVIES_EACH)})
    return load_cuts(users, movies, interactions, learning_of(), times.max())


def adjusted(cuts: Cuts, learning: LearningConfig, ahead: float | None = None) -> Adjusted:
    """`adjust` on the window; `ahead` is the figure of another recommender."""
    window = Window.of(cuts, learning)
    fitted = fit_generators(cuts.history, learning, str)
    ranked = Panel(fitted.generators).rank(window.users, window.list_length)
    figures = {name: window.figure(each) for name, each in ranked.items()}
    if ahead is not None:
        figures["other"] = ahead
    return adjust(window, fitted, figures, learning, str)


@pytest.fixture(scope="module", params=["new", "old"])
def world(request: pytest.FixtureRequest) -> tuple[str, Cuts]:
    return request.param, cuts_of(request.param)


def test_the_cuts_fall_between_the_days(world) -> None:
    _, cuts = world
    assert len(cuts.history.events) == USERS * (OLD + NEW)
    assert len(cuts.window) == USERS * WINDOW
    assert len(cuts.test) == USERS * TEST


def test_older_likes_count_less_where_tastes_have_moved_on(world) -> None:
    after, cuts = world
    found = adjusted(cuts, learning_of()).found
    assert set(found) == {"ease.oldest", "ease.regularization"}
    assert found["ease.oldest"] == (0.5 if after == "new" else 1.0)
    assert found["ease.oldest"] in OLDEST
    assert found["ease.regularization"] in REGULARIZATIONS


def test_what_was_chosen_is_better_on_the_window_and_is_what_is_used(world) -> None:
    _, cuts = world
    learning = learning_of()
    found = adjusted(cuts, learning)
    window = Window.of(cuts, learning)
    usual = fit_generators(cuts.history, learning, str).generators["ease"]
    chosen = found.fitted.generators["ease"]
    assert window.steady_figure(chosen) >= window.steady_figure(usual)
    ease = found.learning.recommenders.ease
    assert (ease.oldest, ease.regularization) == tuple(found.found.values())
    assert ease.open == frozenset()
    assert isinstance(chosen, Ease)
    assert chosen.config == ease
    again = fit_generators(cuts.history, found.learning, str).generators["ease"]
    np.testing.assert_allclose(again.score(window.users), chosen.score(window.users), atol=1e-5)


def test_numbers_of_the_settings_stay(world) -> None:
    _, cuts = world
    found = adjusted(cuts, learning_of(oldest=0.8))
    assert set(found.found) == {"ease.regularization"}
    assert found.learning.recommenders.ease.oldest == 0.8
    closed = learning_of(oldest=0.8, regularization=300)
    assert adjusted(cuts, closed).found == {}
    assert adjusted(cuts, closed).learning == closed


def test_where_another_one_is_far_ahead_nothing_is_tried(world) -> None:
    _, cuts = world
    learning = learning_of()
    found = adjusted(cuts, learning, ahead=1.0)
    assert found.found == {}
    assert found.learning == learning


def test_without_an_order_all_likes_count_alike(world) -> None:
    _, cuts = world
    untimed = replace(cuts.history, events=replace(cuts.history.events, time=None))
    found = adjusted(replace(cuts, history=untimed, known_history=untimed), learning_of())
    assert found.found["ease.oldest"] == 1.0
