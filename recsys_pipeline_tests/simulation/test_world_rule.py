"""The rule of the world: distributions, who likes what, and what lists can reach."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from recsys_pipeline.contracts import names as n
from recsys_pipeline.simulation import World, WorldConfig

SEGMENT_GENRES = {
    "young": ("Action", "Animation", "Sci-Fi"),
    "adult": ("Drama", "Comedy", "Thriller"),
    "senior": ("Drama", "Romance", "Documentary"),
}

POSSIBLE_TENTHS = {0, 2, 3, 4, 5, 6, 7, 8, 9, 10}


@pytest.fixture(scope="module")
def large() -> World:
    return World(WorldConfig(users=100_000, movies=60_000, interactions=300_000, seed=7))


@pytest.fixture(scope="module")
def users(large: World) -> pd.DataFrame:
    return large.users()


@pytest.fixture(scope="module")
def movies(large: World) -> pd.DataFrame:
    return large.movies()


@pytest.fixture(scope="module")
def interactions(large: World) -> pd.DataFrame:
    return large.interactions()


@pytest.fixture(scope="module")
def default() -> World:
    return World(WorldConfig())


def furthest(
    values: pd.Series,
    cdf: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
    step: float,
) -> float:
    """Largest distance between the shares of `values` and `cdf`, between the rounded values."""
    low, high = float(values.min()), float(values.max())
    grid = np.arange(np.round(low / step), np.round(high / step)) * step + step / 2
    shares = np.searchsorted(np.sort(values.to_numpy()), grid) / len(values)
    return float(np.abs(shares - cdf(grid)).max())


def test_age(users: pd.DataFrame) -> None:
    age = users[n.AGE]
    assert (age.min(), age.max()) == (16, 80)
    assert furthest(age, stats.norm(35, 12).cdf, 0.1) < 0.006
    assert np.isclose((age == 16).mean(), stats.norm(35, 12).cdf(16), atol=0.004)


def test_segment_follows_age(users: pd.DataFrame) -> None:
    age = users[n.AGE]
    expected = np.select([age < 25, age < 45], ["young", "adult"], "senior")
    assert users[n.SEGMENT].tolist() == expected.tolist()
    assert users.loc[age == 25, n.SEGMENT].unique().tolist() == ["adult"]
    assert users.loc[age == 45, n.SEGMENT].unique().tolist() == ["senior"]


@pytest.mark.parametrize("segment", SEGMENT_GENRES)
def test_preferred_genres_are_drawn_with_replacement_from_the_segment(
    users: pd.DataFrame, segment: str
) -> None:
    preferred = users.loc[users[n.SEGMENT] == segment, n.PREFERRED_GENRES]
    pairs = pd.Series([tuple(genres) for genres in preferred])
    shares = pairs.value_counts(normalize=True)
    ours = SEGMENT_GENRES[segment]
    assert set(shares.index) == {(first, second) for first in ours for second in ours}
    assert np.allclose(shares, 1 / 9, atol=0.01)


def test_subscription_and_sessions(users: pd.DataFrame) -> None:
    assert users[n.SUBSCRIPTION_MONTHS].min() >= 0
    assert furthest(users[n.SUBSCRIPTION_MONTHS], stats.expon(scale=12).cdf, 0.1) < 0.006
    assert users[n.SESSIONS_PER_WEEK].min() == 1
    assert furthest(users[n.SESSIONS_PER_WEEK] - 1, stats.poisson(4).cdf, 1) < 0.006


def test_genre_year_duration_and_votes_of_movies(movies: pd.DataFrame) -> None:
    genres = movies[n.GENRES].list[0].value_counts(normalize=True)
    assert len(genres) == 9
    assert np.allclose(genres.to_numpy(float), 1 / 9, atol=0.006)
    assert movies[n.GENRES].list.len().unique().tolist() == [1]
    years = movies[n.YEAR].value_counts(normalize=True)
    assert sorted(years.index) == list(range(1990, 2024))
    assert np.allclose(years.to_numpy(float), 1 / 34, atol=0.004)
    duration = movies[n.DURATION_MINUTES]
    assert (duration.min(), duration.max()) == (60, 180)
    assert furthest(duration, stats.norm(105, 20).cdf, 0.1) < 0.008
    assert furthest(movies[n.RATING_COUNT] - 50, stats.poisson(500).cdf, 1) < 0.008


@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize("well_rated_genre", [False, True])
def test_mean_rating_shifts_with_year_and_genre(
    movies: pd.DataFrame, new: bool, well_rated_genre: bool
) -> None:
    genre = movies[n.GENRES].list[0]
    rows = (movies[n.YEAR] > 2015) == new
    rows &= genre.isin(["Drama", "Documentary"]) == well_rated_genre
    rating = movies.loc[rows, n.MEAN_RATING]
    centre = 3.5 + 0.3 * new + 0.4 * well_rated_genre
    assert rating.between(1, 5).all()
    assert rating.max() == 5
    assert furthest(rating, stats.norm(centre, 0.8).cdf, 0.01) < 1.7 / np.sqrt(len(rating))


def test_users_movies_and_days_are_uniform(large: World, interactions: pd.DataFrame) -> None:
    sizes = [(n.USER_ID, large.config.users), (n.MOVIE_ID, large.config.movies)]
    for column, size in sizes:
        assert stats.kstest(interactions[column] / size, "uniform").pvalue > 0.001
    seconds = (interactions[n.TIMESTAMP] - pd.Timestamp("2023-01-01", tz="UTC")).dt.total_seconds()
    assert seconds.between(0, 365 * 86_400, inclusive="left").all()
    assert stats.kstest(seconds / (365 * 86_400), "uniform").pvalue > 0.001
    assert stats.kstest(seconds % 86_400 / 86_400, "uniform").pvalue > 0.001
    days = np.bincount((seconds // 86_400).astype(int), minlength=365)
    assert stats.chisquare(days).pvalue > 0.001


def rule(users: pd.DataFrame, movies: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The probability of a like as the design words it, for row i of both tables."""
    genre = movies[n.GENRES].list[0].to_list()
    preferred = [one in likes for one, likes in zip(genre, users[n.PREFERRED_GENRES], strict=True)]
    segment, age = users[n.SEGMENT].to_numpy(), 2024 - movies[n.YEAR].to_numpy(int)
    rating = movies[n.MEAN_RATING].to_numpy()
    p = 0.3 + 0.4 * np.array(preferred)
    p += 0.2 * (((segment == "young") & (age < 10)) | ((segment == "senior") & (age > 20)))
    p += 0.3 * (rating > 4) - 0.3 * (rating < 2.5)
    clipped: npt.NDArray[np.float64] = np.clip(p, 0, 1)
    return clipped


def test_like_probability_is_the_rule(
    large: World, users: pd.DataFrame, movies: pd.DataFrame
) -> None:
    rng = np.random.default_rng(0)
    user_rows, movie_rows = rng.integers(100_000, size=50_000), rng.integers(60_000, size=50_000)
    expected = rule(users.iloc[user_rows], movies.iloc[movie_rows])
    p = large.like_probability(user_rows, movie_rows)
    assert p.dtype == np.float64
    np.testing.assert_allclose(p, expected, atol=1e-12)
    assert set(np.round(10 * p)) == POSSIBLE_TENTHS


def test_likes_happen_as_often_as_they_are_probable(
    large: World, interactions: pd.DataFrame
) -> None:
    p = large.like_probability(
        interactions[n.USER_ID].to_numpy() - 1, interactions[n.MOVIE_ID].to_numpy() - 1
    )
    groups = interactions[n.LIKED].astype(float).groupby(np.round(p, 1)).agg(["mean", "size"])
    assert set(np.round(10 * groups.index)) == POSSIBLE_TENTHS
    level = groups.index.to_numpy()
    error = np.sqrt(level * (1 - level) / groups["size"])
    assert (np.abs(groups["mean"] - level) <= 4 * error).all()


def test_watching_and_rating_depend_on_liking(interactions: pd.DataFrame) -> None:
    liked = interactions[n.LIKED].to_numpy(bool)
    for column, step, when_liked, otherwise in [
        (n.WATCH_FRACTION, 0.001, (0.1, 1), (0.05, 0.4)),
        (n.RATING, 0.01, (1, 5), (1, 3)),
    ]:
        for rows, (low, high) in [(liked, when_liked), (~liked, otherwise)]:
            values = interactions.loc[rows, column]
            assert (values.min(), values.max()) == pytest.approx((low, high), abs=1e-9)
            assert furthest(values, stats.uniform(low, high - low).cdf, step) < 0.006


def test_auc_of_the_truth_on_its_own_interactions(default: World) -> None:
    interactions = default.interactions()
    p = default.like_probability(
        interactions[n.USER_ID].to_numpy() - 1, interactions[n.MOVIE_ID].to_numpy() - 1
    )
    assert roc_auc_score(interactions[n.LIKED].astype(int), p) == pytest.approx(0.763, abs=0.005)


def test_what_lists_of_ten_can_reach(default: World) -> None:
    everybody = np.arange(default.config.users)
    p = default.like_probabilities(everybody)
    movies, segment = default.movies(), default.users()[n.SEGMENT].to_numpy()
    best_rated = np.lexsort((movies[n.MOVIE_ID], -movies[n.MEAN_RATING]))[:10]
    by_segment = [np.sort(p[segment == name].mean(axis=0))[-10:].mean() for name in SEGMENT_GENRES]
    sizes = [(segment == name).mean() for name in SEGMENT_GENRES]
    reached = {
        "random": p.mean(),
        "best rated for everybody": p[:, best_rated].mean(),
        "knowing nothing": np.sort(p.mean(axis=0))[-10:].mean(),
        "knowing the segment": np.dot(by_segment, sizes),
        "oracle": default.best_possible(everybody, 10).mean(),
    }
    assert reached == {
        "random": pytest.approx(0.483, abs=0.006),
        "best rated for everybody": pytest.approx(0.746, abs=0.03),
        "knowing nothing": pytest.approx(0.819, abs=0.004),
        "knowing the segment": pytest.approx(0.862, abs=0.004),
        "oracle": pytest.approx(1.0, abs=1e-9),
    }


def test_lists_are_valued_by_broadcasting(default: World) -> None:
    rows = np.array([5, 0, 9_999])
    p = default.like_probabilities(rows)
    assert p.dtype == np.float32
    assert p.shape == (3, 2_000)
    lists = np.array([[0, 1_999], [3, 3], [7, 8]])
    worth = default.like_probability(rows[:, None], lists)
    np.testing.assert_array_equal(worth.astype(np.float32), np.take_along_axis(p, lists, axis=1))


@pytest.mark.parametrize("k", [1, 7, 30])
def test_the_best_possible_is_that_of_brute_force(k: int) -> None:
    world = World(WorldConfig(users=50, movies=12, interactions=1))
    p = np.sort(world.like_probabilities(np.arange(50)), axis=1)[:, ::-1][:, :k]
    np.testing.assert_allclose(world.best_possible(np.arange(50), k), p.mean(axis=1), atol=1e-6)


def test_no_users_have_no_values(default: World) -> None:
    nobody = np.array([], dtype=np.int64)
    assert default.like_probabilities(nobody).shape == (0, 2_000)
    assert default.like_probability(nobody, nobody).shape == (0,)
    assert default.best_possible(nobody, 10).shape == (0,)


def test_rows_that_are_not_there_are_refused(default: World) -> None:
    one = np.array([0])
    with pytest.raises(IndexError, match="rows 0 to 9999"):
        default.like_probabilities(np.array([10_000]))
    with pytest.raises(IndexError, match="rows 0 to 1999"):
        default.like_probability(one, np.array([-1]))
    with pytest.raises(IndexError, match="rows 0 to 9999"):
        default.best_possible(np.array([-1]), 10)
    with pytest.raises(ValueError, match="at least one movie"):
        default.best_possible(one, 0)
