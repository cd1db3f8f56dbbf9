"""What lists are worth in a life of ordinary size: clicks, satisfaction, leaving, position bias."""

import numpy as np
import numpy.typing as npt
import pytest

from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation import ORGANIC, Life, LifeConfig, WorldConfig
from recsys_pipeline.simulation.life_choices import examination

USERS, MOVIES, WEEKS = 1_000, 2_000, 3
WORLD = WorldConfig(users=USERS, movies=MOVIES, interactions=15 * USERS)
LONGEST = 30


def scores(life: Life, kind: str, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Of each movie for each user; only their order is used."""
    movies = life.movies(life.week)
    users = len(life.present())
    if kind == "best rated":
        return np.tile(movies[n.MEAN_RATING].to_numpy(), (users, 1))
    drawn = rng.random((users, len(movies)))
    if kind == "oracle":
        rows = np.arange(users)[:, None], np.arange(len(movies))
        return life.like_probability(*rows) + 0.01 * drawn
    return drawn


def live(kind: str) -> dict[str, float]:
    """Figures of a few weeks under lists of one kind."""
    life, rng = Life(LifeConfig(world=WORLD)), np.random.default_rng(1)
    history = life.history()
    seen = np.zeros((2 * USERS, 2 * MOVIES), dtype=bool)
    seen[history[n.USER_ID] - 1, history[n.MOVIE_ID] - 1] = True
    shown = clicked = liked = 0
    for week in range(1, WEEKS + 1):
        worth = scores(life, kind, rng)
        worth[seen[: worth.shape[0], : worth.shape[1]]] = -1
        best = np.argpartition(-worth, LONGEST, axis=1)[:, :LONGEST]
        order = np.argsort(-np.take_along_axis(worth, best, 1), axis=1, kind="stable")
        lived = life.live(week, np.take_along_axis(best, order, 1))
        watched = lived.watched
        seen[watched.user, watched.movie] = True
        of_page = watched.answer != ORGANIC
        shown += len(lived.impressions)
        clicked += int(of_page.sum())
        liked += int(watched.liked[of_page].sum())
    here = life.present()
    leaving = life.config.leaving * np.exp(-life.config.loyalty * life.satisfaction()[here])
    return {
        "click_through": clicked / shown,
        "liked": liked / clicked,
        "satisfaction": float(life.satisfaction()[here].mean()),
        "leaving in four weeks": 4 * float(leaving.mean()),
    }


@pytest.fixture(scope="module")
def figures() -> dict[str, dict[str, float]]:
    return {kind: live(kind) for kind in ("random", "best rated", "oracle")}


def test_click_through_rises_with_what_the_lists_know(
    figures: dict[str, dict[str, float]],
) -> None:
    got = {kind: each["click_through"] for kind, each in figures.items()}
    assert 0.05 < got["random"] < 0.085
    assert 0.09 < got["best rated"] < 0.13
    assert 0.155 < got["oracle"] < 0.20


def test_people_who_find_what_they_like_stay(figures: dict[str, dict[str, float]]) -> None:
    for name, direction in (("liked", 1), ("satisfaction", 1), ("leaving in four weeks", -1)):
        got = [direction * figures[kind][name] for kind in ("random", "best rated", "oracle")]
        assert got == sorted(got), name
    assert 0.019 < figures["best rated"]["leaving in four weeks"] < 0.0215
    assert 0.017 < figures["oracle"]["leaving in four weeks"] < 0.0195
    assert figures["oracle"]["liked"] > 0.97


def test_position_bias_can_be_found_again() -> None:
    """Where the order is random, the clicks of a place tell how often it is looked at.

    Of each user's first page: on later ones the first places hold what was passed over before.
    """
    users = 10_000
    world = WORLD.model_copy(update={"users": users, "movies": 300})
    life = Life(LifeConfig(world=world, looks=1.0))
    rng = np.random.default_rng(2)
    lists = rng.permuted(np.tile(np.arange(300, dtype=np.int32), (users, 1)), axis=1)[:, :20]
    lived = life.live(1, lists)
    _, first = np.unique(lived.impressions.user, return_index=True)
    pages = lived.impressions.answer[first]
    assert len(pages) > 0.95 * users
    rank = lived.watched.rank[np.isin(lived.watched.answer, pages)]
    clicked = np.bincount(rank, minlength=11)[1:]
    looked = examination(10, 1.0)
    np.testing.assert_allclose(clicked / clicked.mean(), looked / looked.mean(), atol=0.1)
