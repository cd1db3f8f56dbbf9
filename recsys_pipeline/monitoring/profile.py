"""Profile: a week in counts: inputs, scores, lists and behaviour, without anybody in it.

A profile is kept with each week and with each release, so that later weeks can be compared with
what the release was trained on and no table need be kept for it.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.columns import column_shapes
from recsys_pipeline.monitoring.robots import without_users
from recsys_pipeline.monitoring.shapes import IntArray, Shape
from recsys_pipeline.monitoring.sketch import Sketch
from recsys_pipeline.monitoring.tastes import Count, Crowd, Taste, labels_of, tastes_of
from recsys_pipeline.monitoring.week_rates import Rate

ALL_ROWS: Final = "all_rows"
ROWS: Final = "rows"
DIFFERENT_MOVIES: Final = "different_movies"
PER_USER: Final = "per_user"
POPULARITY: Final = "popularity"

TOP_N: Final = "top_n"
IMPRESSIONS: Final = "impressions"
ACTIONS: Final = "actions"
BEHAVIOUR: Final = "behaviour"
"""Stands for `ACTIONS` where only interactions are known: they are counted otherwise."""

_DECILES: Final = tuple(str(each) for each in range(1, 11))
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Volume:
    """How much there is of something.

    Attributes:
        count: rows, users or movies.
        design: by how much the variance of the count is larger than the count, because a user's
            events come together: Σ (a user's events)² / Σ events. 1 where each comes alone.
    """

    count: int
    design: float = 1.0


@dataclass(frozen=True)
class Profile:
    """A week in counts.

    Attributes:
        start, end: ISO moments: the week is what lies after the first and not after the second.
        volumes: by subject, such as ``interactions.rows``.
        shapes: by subject, such as ``movies.genres`` or ``top_n.score``.
        rates: online figures by metric.
        tastes: what segments did with genres.
        movies: what the values of some movies were.
    """

    start: str
    end: str
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    tastes: tuple[Taste, ...] = ()
    movies: Sketch = field(default_factory=Sketch)

    def to_json(self) -> str:
        """The profile as JSON; equal profiles, equal texts."""
        content = {"format": _FORMAT, **asdict(self)}
        return json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The profile that `to_json` wrote.

        Raises:
            ValueError: it is no JSON, or was written in another format.
        """
        content = json.loads(text)
        if not isinstance(content, dict) or content.pop("format", None) != _FORMAT:
            raise ValueError("this is no profile of a week, or one of another version")
        return cls(
            start=content["start"],
            end=content["end"],
            volumes={key: Volume(**each) for key, each in content["volumes"].items()},
            shapes={key: _shape(each) for key, each in content["shapes"].items()},
            rates={key: Rate(**each) for key, each in content["rates"].items()},
            tastes=tuple(_taste(each) for each in content["tastes"]),
            movies=Sketch.from_plain(content["movies"]),
        )


def profile(
    users: pd.DataFrame,
    movies: pd.DataFrame,
    interactions: pd.DataFrame,
    *,
    start: pd.Timestamp,
    as_of: pd.Timestamp,
    top_n: pd.DataFrame | None = None,
    impressions: pd.DataFrame | None = None,
    actions: pd.DataFrame | None = None,
    rates: Mapping[str, Rate] | None = None,
    robots: Collection[Any] = (),
    reference: Profile | None = None,
) -> Profile:
    """The profile of the week after `start` up to `as_of`.

    Args:
        users, movies: the clean tables (contracts USERS and MOVIES, further columns included).
        interactions: all that are known (contract INTERACTIONS); of those without a time, all
            count as the week's.
        top_n: the lists (contract TOP_N), or None.
        impressions, actions: what happened online in that week (contracts of these names;
            impressions with the clicks attributed to them), or None.
        rates: online figures by metric; see `week_rates.rates_of`.
        robots: ids of users whose interactions, impressions and actions do not count.
        reference: the profile that this one will be compared with: cells are taken from it.
    """
    before = {} if reference is None else reference.shapes
    crowd = Crowd.of(users, movies)
    week = without_users(_of_week(interactions, start, as_of), robots)
    seen = None if impressions is None else without_users(impressions, robots)
    doing = week if actions is None else without_users(actions, robots)
    volumes = {
        f"{USERS.name}.{ROWS}": Volume(len(users)),
        f"{MOVIES.name}.{ROWS}": Volume(len(movies)),
        f"{INTERACTIONS.name}.{ALL_ROWS}": Volume(len(interactions)),
        f"{INTERACTIONS.name}.{ROWS}": _volume(week),
        f"{INTERACTIONS.name}.{n.USER_ID}": Volume(int(week[n.USER_ID].nunique())),
    }
    if seen is not None:
        volumes[f"{IMPRESSIONS}.{ROWS}"] = _volume(seen)
    if actions is not None:
        volumes[f"{ACTIONS}.{ROWS}"] = _volume(doing)
    shapes = {
        **column_shapes(USERS, users, before),
        **column_shapes(MOVIES, movies, before),
    }
    shapes |= column_shapes(INTERACTIONS, week, before, units=_units(week))
    done = crowd.rows_of(doing)
    shapes |= _behaviour(BEHAVIOUR if actions is None else ACTIONS, crowd, done, before)
    if top_n is not None:
        popular = _popularity(crowd, interactions)
        shapes |= _lists(crowd, movies, top_n, popular, before)
        different = int(top_n[n.MOVIE_ID].nunique())
        volumes[f"{TOP_N}.{DIFFERENT_MOVIES}"] = Volume(different)
    shown = None
    if seen is not None:
        shown = (*crowd.rows_of(seen), seen[n.CLICKED_AT].notna().to_numpy())
    return Profile(
        start=start.isoformat(),
        end=as_of.isoformat(),
        volumes=volumes,
        shapes=shapes,
        rates=dict(rates or {}),
        tastes=tastes_of(crowd, done, shown),
        movies=Sketch.of(movies, shapes),
    )


def _of_week(interactions: pd.DataFrame, start: pd.Timestamp, as_of: pd.Timestamp) -> pd.DataFrame:
    if n.TIMESTAMP not in interactions.columns:
        return interactions
    time = interactions[n.TIMESTAMP]
    return interactions[((time > start) & (time <= as_of)).to_numpy()]


def _units(events: pd.DataFrame) -> IntArray:
    """A number for the user of each event."""
    return np.asarray(pd.factorize(events[n.USER_ID])[0], dtype=np.int64)


def _volume(events: pd.DataFrame) -> Volume:
    of_user = np.bincount(_units(events)).astype(np.float64)
    design = float((of_user**2).sum() / max(1, len(events)))
    return Volume(len(events), max(1.0, design))


def _behaviour(
    table: str, crowd: Crowd, done: tuple[IntArray, IntArray], before: Mapping[str, Shape]
) -> dict[str, Shape]:
    """How much each active user does, and with which genres; subjects are those of `table`."""
    user, movie = done
    of_user = np.bincount(user[user >= 0], minlength=len(crowd.users))
    per_user, genres = f"{table}.{PER_USER}", f"{table}.{n.GENRES}"
    known = before.get(per_user)
    edges = None if known is None or not known.edges else known.edges
    active = of_user[of_user > 0].astype(np.float64)
    made = {per_user: Shape.of_numbers(active, edges=edges)}
    if crowd.genres.vocabulary:
        both = (user >= 0) & (movie >= 0)
        made[genres] = _genres(crowd, movie[both], user[both])
    return made


def _genres(crowd: Crowd, movie: IntArray, unit: IntArray) -> Shape:
    """The genres of movies (rows, none unknown) that belong to units."""
    place, code = labels_of(crowd.genres.movies, movie)
    return Shape.of_codes(len(movie), code, place, crowd.genres.vocabulary, unit)


def _popularity(crowd: Crowd, interactions: pd.DataFrame) -> IntArray:
    """The decile of each movie by its number of interactions: 0 the least popular to 9."""
    movie = crowd.movies.get_indexer(pd.Index(interactions[n.MOVIE_ID]))
    count = np.bincount(movie[movie >= 0], minlength=len(crowd.movies))
    place = np.empty(len(count), dtype=np.int64)
    place[np.argsort(count, kind="stable")] = np.arange(len(count))
    return place * len(_DECILES) // max(1, len(count))


def _lists(
    crowd: Crowd,
    movies: pd.DataFrame,
    top_n: pd.DataFrame,
    popular: IntArray,
    before: Mapping[str, Shape],
) -> dict[str, Shape]:
    """Scores, sources, genres, years and popularity of the lists."""
    columns = [each for each in (n.SCORE, n.SOURCE) if each in top_n.columns]
    unit = _units(top_n)
    made = {}
    for name in columns:
        subject = f"{TOP_N}.{name}"
        known = before.get(subject)
        if name == n.SCORE:
            score = top_n[name].to_numpy(dtype=np.float64)
            made[subject] = Shape.of_numbers(score, unit, None if known is None else known.edges)
        else:
            place = np.arange(len(top_n))
            values = () if known is None else known.values
            made[subject] = Shape.of_texts(len(top_n), top_n[name], place, unit, known=values)
    movie = crowd.movies.get_indexer(pd.Index(top_n[n.MOVIE_ID]))
    there = movie >= 0
    movie, unit = movie[there].astype(np.int64), unit[there]
    if crowd.genres.vocabulary:
        made[f"{TOP_N}.{n.GENRES}"] = _genres(crowd, movie, unit)
    if n.YEAR in movies.columns:
        known = before.get(f"{TOP_N}.{n.YEAR}")
        year = movies[n.YEAR].to_numpy(dtype=np.float64, na_value=np.nan)[movie]
        edges = None if known is None else known.edges
        made[f"{TOP_N}.{n.YEAR}"] = Shape.of_numbers(year, unit, edges)
    made[f"{TOP_N}.{POPULARITY}"] = Shape.of_codes(
        len(movie), popular[movie], np.arange(len(movie)), _DECILES, unit
    )
    return made


def _shape(plain: Mapping[str, Any]) -> Shape:
    parts: dict[str, Any] = {
        key: tuple(each) if isinstance(each, list) else each for key, each in plain.items()
    }
    return Shape(**parts)


def _taste(plain: Mapping[str, Any]) -> Taste:
    clicks = plain["clicks"]
    return Taste(
        plain["segment"],
        plain["genre"],
        Count(**plain["actions"]),
        None if clicks is None else Count(**clicks),
    )
