"""Stable weeks and broken ones: how often there is an alarm, and whether it has the right name.

    python bench_drift.py [--seeds 10] [--small 2000] [--large 10000] [--weeks 52]

Three stable worlds are watched for a year: the simulated world as it stands; the same with new
movies, users who join and leave, and a source that delivers more or less by chance; and the life
that follows it, whose people are shown lists. Every week's profile is held against that of the week
before, as with a release a week. Then single weeks of that life are broken, each in one way.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import process_time

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.alarms import drift_alarms, robot_alarms
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.monitoring.drift import P_CORRECTED, compare
from recsys_pipeline.monitoring.figures import figures
from recsys_pipeline.monitoring.online_week import online_week
from recsys_pipeline.monitoring.profile import Profile, profile
from recsys_pipeline.monitoring.robots import find_robots
from recsys_pipeline.monitoring.week_rates import rates_of
from recsys_pipeline.simulation import World, WorldConfig
from recsys_pipeline.simulation.life import Life
from recsys_pipeline.simulation.life_config import LifeConfig

WEEK = pd.Timedelta(7, unit="D")
RECENT = 8
PLACES = 30
BROKEN_AT = 9
CONFIG = MonitoringConfig()


@dataclass(frozen=True)
class Week:
    """All that monitoring is handed for one week; what is None is not known."""

    as_of: pd.Timestamp
    users: pd.DataFrame
    movies: pd.DataFrame
    interactions: pd.DataFrame
    top_n: pd.DataFrame | None = None
    impressions: pd.DataFrame | None = None
    actions: pd.DataFrame | None = None


class Watch:
    """Monitoring, week after week.

    Attributes:
        profiles: of the weeks that were kept.
        seconds: of a core that profile and comparison took, week by week.
        sure: tests that chance does not explain, however small the change.
    """

    def __init__(self) -> None:
        self.profiles: list[Profile] = []
        self.seconds: list[float] = []
        self.sure = 0

    def look(self, week: Week, *, keep: bool = True) -> list[str]:
        """The checks that raise an alarm in a week; the week is forgotten unless it is kept."""
        start = week.as_of - WEEK
        reference = self.profiles[-1] if self.profiles else None
        done = week.interactions if week.actions is None else week.actions
        inside = ((done[n.TIMESTAMP] > start) & (done[n.TIMESTAMP] <= week.as_of)).to_numpy()
        robots = find_robots(done[inside])
        impressions, rates = None, {}
        if week.impressions is not None and week.actions is not None:
            online = online_week(
                start,
                week.impressions,
                week.actions,
                movies=week.movies,
                users=week.users,
                config=CONFIG,
                left_out=robots.users,
            )
            impressions = online.impressions
            tables = {"movies": week.movies, "users": week.users}
            rates = rates_of(figures(online, None, config=CONFIG, **tables))
        timed = process_time()
        now = profile(
            week.users,
            week.movies,
            week.interactions,
            start=start,
            as_of=week.as_of,
            top_n=week.top_n,
            impressions=impressions,
            actions=week.actions,
            rates=rates,
            robots=robots.users,
            reference=reference,
        )
        drift = compare(now, reference, self.profiles[-RECENT:], CONFIG)
        alarms = robot_alarms(robots) + drift_alarms(drift)
        self.seconds.append(process_time() - timed)
        self.sure += int((drift.rows[P_CORRECTED] <= CONFIG.alarms_per_year / 52).sum())
        if keep:
            self.profiles.append(now)
        return [alarm.check for alarm in alarms]


def standing(config: WorldConfig, weeks: int) -> Iterator[Week]:
    """The world as it stands: the same users and movies, and one week more of interactions."""
    world = World(config.model_copy(update={"weeks": weeks}))
    users, movies, everything = world.users(), world.movies(), world.interactions()
    for week in range(weeks + 1):
        as_of = everything[n.TIMESTAMP].max() - (weeks - week) * WEEK
        yield Week(as_of, users, movies, everything[everything[n.TIMESTAMP] <= as_of])


def growing(config: WorldConfig, weeks: int) -> Iterator[Week]:
    """Each week 0.5 % more movies, 1 % of the users join and 1 % leave, and rows fail to come.

    The source delivers 100 % of a week give or take 8 %, and the world's users come unevenly.
    """
    more = config.model_copy(update={"users": 2 * config.users, "movies": 2 * config.movies})
    more = more.model_copy(update={"interactions": 4 * config.interactions, "weeks": weeks})
    world = World(more)
    users, movies, everything = world.users(), world.movies(), world.interactions()
    rng = np.random.default_rng(config.seed)
    keenness = rng.exponential(size=len(users))
    everything = everything[rng.random(len(everything)) < 0.3 * keenness[everything[n.USER_ID] - 1]]
    end = everything[n.TIMESTAMP].max()
    number = np.floor((everything[n.TIMESTAMP] - end) / WEEK).astype(int) + weeks
    kept = np.exp(-np.abs(rng.normal(0, 0.08, weeks + 1)))
    drawn = rng.random(len(everything))
    everything = everything[(drawn < kept[np.clip(number, 0, None)]) | (number < 0)]
    for week in range(weeks + 1):
        joined = slice(week * config.users // 100, config.users + week * config.users // 100)
        there, films = users.iloc[joined], movies.iloc[: round(config.movies * 1.005**week)]
        as_of = end - (weeks - week) * WEEK
        known = everything[everything[n.TIMESTAMP] <= as_of]
        known = known[known[n.USER_ID].isin(there[n.USER_ID])]
        yield Week(as_of, there, films, known[known[n.MOVIE_ID].isin(films[n.MOVIE_ID])])


def living(config: WorldConfig, weeks: int) -> Iterator[Week]:
    """The life after the first year: lists by true probability and chance, made anew each week."""
    life = Life(LifeConfig(world=config))
    rng = np.random.default_rng(config.seed)
    history = life.history()
    for week in range(1, weeks + 2):
        users, movies = life.users(week - 1), life.movies(week - 1)
        score = np.empty((len(users), len(movies)), dtype=np.float32)
        for rows in np.array_split(np.arange(len(users)), 10):
            score[rows] = life.like_probability(rows[:, None], np.arange(len(movies)))
        score += rng.normal(0, 0.3, score.shape).astype(np.float32)
        lists = np.argpartition(-score, PLACES, axis=1)[:, :PLACES]
        lists = np.take_along_axis(
            lists, np.argsort(-np.take_along_axis(score, lists, 1), axis=1), 1
        )
        chosen = np.clip(np.take_along_axis(score, lists, 1)[:, :10] / 2, 0, 1)
        lived = life.live(week, lists.astype(np.int32))
        history = pd.concat([history, lived.interactions()], ignore_index=True)
        start, end = life.ends(week - 1), life.ends(week)
        done, seen = lived.actions(), lived.impressions
        yield Week(
            end,
            life.users(week),
            life.movies(week),
            history,
            pd.DataFrame(
                {
                    n.USER_ID: np.repeat(np.arange(len(users)) + 1, 10),
                    n.MOVIE_ID: lists[:, :10].ravel() + 1,
                    n.SCORE: chosen.ravel().astype(np.float64),
                    n.SOURCE: pd.array(["model"] * chosen.size, dtype="str"),
                }
            ),
            pd.DataFrame(
                {
                    n.REQUEST_ID: pd.array(seen.answer, dtype="int64").astype("str"),
                    n.USER_ID: seen.user + 1,
                    n.MOVIE_ID: seen.movie + 1,
                    n.SHOWN_AT: pd.to_datetime(seen.second, unit="s", utc=True).as_unit("us"),
                    n.RANK: pd.array(seen.rank, dtype="Int64"),
                    n.RELEASE: pd.array(["week"] * len(seen), dtype="str"),
                    n.PERSONAL: pd.array([True] * len(seen), dtype="boolean"),
                    n.EXPERIMENT: pd.array([""] * len(seen), dtype="str"),
                    n.ARM: pd.array([""] * len(seen), dtype="str"),
                }
            ),
            pd.DataFrame(
                {
                    n.USER_ID: done.user + 1,
                    n.MOVIE_ID: done.movie + 1,
                    n.TIMESTAMP: pd.to_datetime(done.second, unit="s", utc=True).as_unit("us"),
                    n.EVENT_TYPE: pd.array(
                        np.array(["click", "view", "rating"])[done.event_type], dtype="str"
                    ),
                    n.RATING: done.rating,
                    n.WATCH_FRACTION: done.watch_fraction,
                    n.REQUEST_ID: pd.array(
                        np.where(done.answer < 0, "", done.answer.astype(str)), dtype="str"
                    ),
                }
            ),
        )
        assert start < end


def _of_week(week: Week) -> np.ndarray:
    return (week.interactions[n.TIMESTAMP] > week.as_of - WEEK).to_numpy()


def _movies(week: Week, column: str, values: object) -> Week:
    return replace(week, movies=week.movies.assign(**{column: values}))


def _half(week: Week, rng: np.random.Generator) -> Week:
    lost = _of_week(week) & (rng.random(len(week.interactions)) < 0.5)
    return replace(week, interactions=week.interactions[~lost])


def _down_a_row(week: Week, rng: np.random.Generator) -> Week:
    values = week.movies[n.GENRES]
    return _movies(week, n.GENRES, values.take(np.roll(np.arange(len(values)), 1)).array)


def _renamed(week: Week, rng: np.random.Generator) -> Week:
    names = week.movies[n.GENRES].map(lambda each: [f"{name}s" for name in each])
    return _movies(week, n.GENRES, names.astype(week.movies[n.GENRES].dtype))


def _more_drama(week: Week, rng: np.random.Generator) -> Week:
    first = week.movies[n.GENRES].list[0].to_numpy()
    more = (first != "Drama") & (rng.random(len(first)) < 0.125)
    names = pd.Series([["Drama"] if each else [was] for each, was in zip(more, first, strict=True)])
    return _movies(week, n.GENRES, names.astype(week.movies[n.GENRES].dtype).array)


def _new_genre(week: Week, rng: np.random.Generator) -> Week:
    values = week.movies[n.GENRES].tolist()
    values[-5:] = [["Western"]] * 5
    return _movies(week, n.GENRES, pd.Series(values, dtype=week.movies[n.GENRES].dtype).array)


def _dear(week: Week, rng: np.random.Generator) -> Week:
    return _movies(week, "price", 2 * week.movies["price"])


def _watched_twice(week: Week, rng: np.random.Generator) -> Week:
    table, rows = week.interactions, _of_week(week)
    twice = table[n.WATCH_FRACTION].where(~rows, (2 * table[n.WATCH_FRACTION]).clip(upper=1))
    return replace(week, interactions=table.assign(**{n.WATCH_FRACTION: twice}))


def _nothing_said(week: Week, rng: np.random.Generator) -> Week:
    table = week.interactions
    lost = _of_week(week) & (rng.random(len(table)) < 0.1)
    return replace(week, interactions=table.assign(**{n.LIKED: table[n.LIKED].mask(lost, pd.NA)}))


def _inattentive(week: Week, rng: np.random.Generator) -> Week:
    assert week.actions is not None
    lost = (week.actions[n.REQUEST_ID] != "").to_numpy() & (
        week.actions[n.MOVIE_ID].to_numpy() + week.actions[n.USER_ID].to_numpy()
    ) % 2 == 1
    return replace(week, actions=week.actions[~lost])


def _bot(week: Week, rng: np.random.Generator) -> Week:
    assert week.actions is not None
    size = 50_000
    when = week.as_of - pd.to_timedelta(rng.integers(1, 7 * 86_400, size), unit="s")
    clicks = pd.DataFrame(
        {
            n.USER_ID: 1,
            n.MOVIE_ID: rng.integers(1, 200, size),
            n.TIMESTAMP: when.as_unit("us"),
            n.EVENT_TYPE: "click",
            n.RATING: np.nan,
            n.WATCH_FRACTION: np.nan,
            n.REQUEST_ID: "",
        }
    )
    return replace(week, actions=pd.concat([week.actions, clicks], ignore_index=True))


def _impersonal(week: Week, rng: np.random.Generator) -> Week:
    assert week.top_n is not None
    same = np.tile(week.top_n[n.MOVIE_ID].to_numpy()[:10], len(week.top_n) // 10)
    return replace(week, top_n=week.top_n.assign(**{n.MOVIE_ID: same}))


FAULTS: dict[str, tuple[str, Callable[[Week, np.random.Generator], Week]]] = {
    "half of the week's rows are lost": ("interactions_volume", _half),
    "genres moved down a row": ("movies_genres_shifted", _down_a_row),
    "genres renamed": ("movies_genres_shifted", _renamed),
    "twice as much drama": ("movies_genres_shifted", _more_drama),
    "five movies of a new genre": ("movies_values_new", _new_genre),
    "prices doubled": ("movies_price_shifted", _dear),
    "shares watched doubled": ("interactions_shifted", _watched_twice),
    "a tenth of the likes missing": ("interactions_missing", _nothing_said),
    "half of the clicks gone": ("click_through_fell", _inattentive),
    "a robot with 50,000 clicks": ("robots", _bot),
    "one list for everybody": ("lists_shifted", _impersonal),
}


def priced(week: Week) -> Week:
    """The week with a price for each movie."""
    return _movies(week, "price", 5.0 + week.movies[n.MOVIE_ID] % 11)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, size in (("seeds", 10), ("small", 2_000), ("large", 10_000), ("weeks", 52)):
        parser.add_argument(f"--{name}", type=int, default=size)
    given, _ = parser.parse_known_args()
    small = WorldConfig(users=given.small, movies=given.small // 5, interactions=15 * given.small)
    large = WorldConfig(users=given.large, movies=given.large // 5, interactions=15 * given.large)
    for name, weeks_of in (("standing", standing), ("growing", growing), ("living", living)):
        for size, seeds in ((small, given.seeds), (large, 1)):
            per_year, sure, which, seconds = [], [], Counter[str](), []
            for seed in range(1, seeds + 1):
                watch = Watch()
                config = size.model_copy(update={"seed": seed})
                raised = [watch.look(week) for week in weeks_of(config, given.weeks)]
                per_year.append(sum(map(len, raised)))
                sure.append(watch.sure)
                which.update(check for checks in raised for check in checks)
                seconds += watch.seconds
            print(
                f"{name} world, {size.users:,} users, {seeds} seeds: alarms in {given.weeks} "
                f"stable weeks {sorted(per_year)}, mean {np.mean(per_year):.2f} {dict(which)}; "
                f"sure changes of whatever size {sorted(sure)}; "
                f"a week takes {np.median(seconds):.2f} s of a core",
                flush=True,
            )
    for size in (small, large):
        watch = Watch()
        for number, week in enumerate(living(size, BROKEN_AT)):
            if number < BROKEN_AT:
                watch.look(priced(week))
                continue
            for fault, (check, breaks) in FAULTS.items():
                found = watch.look(breaks(priced(week), np.random.default_rng(1)), keep=False)
                verdict = "caught" if check in found else "MISSED"
                print(f"{size.users:,} users, {fault}: {verdict} by {check}; {sorted(set(found))}")


if __name__ == "__main__":
    main()
