"""A list for somebody new, from what they say of themselves: movies, genres, profile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.contracts import PANDAS_DTYPES, USERS, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray, UserBatch
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.models.columns import Hats, MultiHot, OneHot
from recsys_pipeline.models.encoding import ProfileEncoder
from recsys_pipeline.models.profile import Profile
from recsys_pipeline.ranking.released import ReleasedModel
from recsys_pipeline.ranking.titles import titles_of

_ENCODED: Final[Mapping[type, Kind]] = {
    Hats: Kind.NUMBER,
    OneHot: Kind.TEXT,
    MultiHot: Kind.TEXTS,
}
"""Of which kind a column is that an encoder of this class was fitted on."""

_LONGEST_TOLD: Final = 80


@dataclass(frozen=True)
class Answers:
    """What somebody new says.

    Attributes:
        movies: movies that they like, each by id or by title.
        genres: genres that they like.
        profile: columns of the users table, such as age and segment, with their values; a list
            may be one text with commas in it.
    """

    movies: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        return bool(self.movies or self.genres or self.profile)


@dataclass(frozen=True)
class Told:
    """What answers say to a model.

    Attributes:
        users: somebody new, a batch of one.
        allowed: bool ``(n_items,)``, the movies of the genres named, where the model takes no
            notice of them otherwise; None is all.
    """

    users: UserBatch
    allowed: BoolArray | None


def told(model: ReleasedModel, answers: Answers) -> Told:
    """The answers as a model reads them.

    Movies count as liked, the last one named as the newest. Genres count as preferred ones where
    the model knows that column of users; else only movies of these genres are recommended.

    Raises:
        SettingsError: a movie, a genre or a profile column is unknown, a column is no answer but
            an id or computed from the history, or a value is not of its kind.
    """
    liked = [_movie(model, text) for text in answers.movies]
    genres = [_genre(model, text) for text in answers.genres]
    kinds = _kinds(model)
    profile = _values(answers.profile, kinds)
    allowed = None
    if genres and _uses(model, n.PREFERRED_GENRES):
        named = profile.get(n.PREFERRED_GENRES, [])
        profile[n.PREFERRED_GENRES] = list(dict.fromkeys([*named, *genres]))
    elif genres:
        allowed = _of_genres(model, genres)
    return Told(liking(model, liked, _profile(profile, kinds)), allowed)


def recommend_for(model: ReleasedModel, answers: Answers, k: int, release: str) -> pd.DataFrame:
    """The list for these answers: columns of contract `TOP_N` but user_id, best first.

    Raises:
        SettingsError: as `told`.
    """
    asked = told(model, answers)
    users = asked.users
    lists = model.recommend(users, k, allowed=asked.allowed)
    listed = lists.items[0] >= 0
    items = lists.items[0][listed]
    return pd.DataFrame(
        {
            n.RANK: np.arange(1, len(items) + 1),
            n.MOVIE_ID: model.items.id_of(items),
            n.SCORE: lists.scores[0][listed].astype(float),
            n.SOURCE: lists.sources[0][listed],
            n.REASON: model.reasons(users, lists)[0][listed],
            n.RELEASE: release,
            n.PROPENSITY: lists.propensities[0][listed].astype(float),
            n.TITLE: titles_of(model.movies)[items],
        }
    )


def liking(model: ReleasedModel, liked: Sequence[int], profile: pd.DataFrame) -> UserBatch:
    """Somebody who likes these items, the last one named as the newest; a batch of one.

    Args:
        liked: items; one named twice counts once.
        profile: one row, with any columns of users or none.
    """
    order = list(dict.fromkeys(liked))
    shape = (1, len(model.items))
    ones = np.ones(len(order), dtype=np.float32)
    where = (np.zeros(len(order), dtype=int), np.array(order, dtype=int))
    history = sp.csr_matrix((ones, where), shape=shape)
    history.sort_indices()
    place = {item: (number + 1) / len(order) for number, item in enumerate(order)}
    recency = history.copy()
    recency.data = np.array([place[item] for item in history.indices], dtype=np.float32)
    return UserBatch(history, history.copy(), profile, recency)


def _movie(model: ReleasedModel, text: str) -> int:
    """The item with that id, or with that title. Raises SettingsError."""
    wanted = text.strip()
    ids = pd.Index(model.items.values.astype("str"))
    if wanted in ids:
        return int(ids.get_loc(wanted))
    titles = pd.Series(titles_of(model.movies)).astype("str")
    found = np.flatnonzero(titles.str.casefold() == wanted.casefold())
    if len(found) == 1:
        return int(found[0])
    if len(found):
        several = ", ".join(ids[found[:5]])
        raise SettingsError(
            f"Several movies are called {wanted!r}.", f"Name one by its id: {several}."
        )
    near = get_close_matches(wanted, titles.tolist(), n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Give an id or a title."
    raise SettingsError(f"No movie has the id or title {wanted!r}.", hint)


def _genre(model: ReleasedModel, text: str) -> str:
    known = model.catalogue.genres.vocabulary
    same = [each for each in known if each.casefold() == text.strip().casefold()]
    if same:
        return same[0]
    near = get_close_matches(text, known, n=3, cutoff=0.5)
    raise SettingsError(
        f"No movie has the genre {text!r}.",
        f"Did you mean {' or '.join(near)}?"
        if near
        else f"Known are {', '.join(known[:20]) or 'none'}.",
    )


def _uses(model: ReleasedModel, column: str) -> bool:
    """Whether what ranks looks at that column of users."""
    asked = model.panel.needed_by(model.primary)
    encoders = [
        each.encoder_
        for each in (model.panel.generators[name] for name in asked)
        if isinstance(each, Profile)
    ]
    return any(column == each.column for encoder in encoders for each in encoder.encoders)


def _of_genres(model: ReleasedModel, genres: Sequence[str]) -> BoolArray:
    table = model.catalogue.genres
    columns = [table.vocabulary.index(each) for each in genres]
    has: BoolArray = np.asarray(table.movies[:, columns].sum(axis=1)).ravel() > 0
    return has


def _kinds(model: ReleasedModel) -> dict[str, Kind]:
    """The columns that somebody can answer: those of the contract, and further encoded ones."""
    encoders = [getattr(each, "encoder_", None) for each in model.panel.generators.values()]
    encoded = {
        each.column: _ENCODED[type(each)]
        for encoder in encoders
        if isinstance(encoder, ProfileEncoder)
        for each in encoder.encoders
    }
    kinds = encoded | {column.name: column.kind for column in USERS.columns}
    return {name: kind for name, kind in kinds.items() if name not in ProfileEncoder.ignored}


def _values(answers: Mapping[str, Any], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """The answers, lists split at commas. Raises SettingsError for what nobody can answer."""
    values = {}
    for name, value in answers.items():
        if name not in kinds:
            derived = name in ProfileEncoder.ignored and name not in USERS.column_names
            if derived:
                raise SettingsError(
                    f"{name} is computed from the history and cannot be set.",
                    "Name movies with --likes instead.",
                )
            raise SettingsError(
                f"{name!r} is nothing that is asked of somebody new.",
                f"Known are {', '.join(kinds)}.",
            )
        kind = kinds[name]
        try:
            if isinstance(value, bool) and name in USERS.column_names:
                raise TypeError("no column of the contract that can be answered is a flag")
            values[name] = _READ[kind](value)
        except (ValueError, TypeError, OverflowError) as error:
            raise _unreadable(name, value, kind) from error
    return values


def _number(value: Any) -> float:
    """A number, or a text that is one; a flag of the model's own counts as 0 or 1."""
    if not isinstance(value, (int, float, str)):
        raise TypeError("no number")
    number = float(value)
    if not np.isfinite(number):
        raise ValueError("not finite")
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _texts(value: Any) -> list[str]:
    """Texts, or one text with commas between them."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, (list, tuple)):
        raise TypeError("no list")
    return [_text(each) for each in value]


def _time(value: Any) -> datetime:
    """An ISO 8601 time; one without a time zone is UTC."""
    moment = datetime.fromisoformat(_text(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_READ: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    Kind.NUMBER: _number,
    Kind.TEXT: _text,
    Kind.TEXTS: _texts,
    Kind.TIME: _time,
}
"""What reads an answer of each kind; it raises ValueError, TypeError or OverflowError."""


def _unreadable(name: str, value: Any, kind: Kind) -> SettingsError:
    told = repr(value)
    if len(told) > _LONGEST_TOLD:
        told = told[:_LONGEST_TOLD] + "…"
    return SettingsError(f"{name} = {told} cannot be read.", f"It must be {kind.value}.")


def _profile(values: Mapping[str, Any], kinds: Mapping[str, Kind]) -> pd.DataFrame:
    """One row with these columns, each of its kind."""
    columns = {}
    for name, value in values.items():
        try:
            columns[name] = pd.Series([value], dtype=PANDAS_DTYPES[kinds[name]])
        except (ValueError, TypeError) as error:
            raise _unreadable(name, value, kinds[name]) from error
    return pd.DataFrame(columns, index=[0])
