"""Why each movie is in a list, computed from the model that ranked it."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array, UserBatch
from recsys_pipeline.models import Recommender
from recsys_pipeline.models.popularity import Popularity
from recsys_pipeline.models.profile import Profile
from recsys_pipeline.models.random_order import RandomOrder
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.reasons_evidence import Evidence, Reason
from recsys_pipeline.ranking.reasons_history import Contributions, contributions
from recsys_pipeline.ranking.reasons_profile import feature_values, profile_parts

LEAST_MOVIE_SHARE: Final = 0.05
"""Share of a score from which on a movie of the history is given as its reason."""

LEAST_GENRE_SHARE: Final = 0.5
"""Share of a score from which on the movies of one genre in the history are given as its reason."""

LEAST_COLUMN_SHARE: Final = 0.2
"""Share of a score from which on a column of the profile is given as its reason, or the history
where that corrects what the profile says."""

_POPULAR_HALF = 0.5
_OF_COLUMN: Final = {n.AGE: Reason.AGE, n.SEGMENT: Reason.SEGMENT, n.COUNTRY: Reason.COUNTRY}


def explain(
    model: Recommender,
    users: UserBatch,
    items: Int32Array,
    catalogue: Catalogue,
    *,
    top: int = 2,
    likes_known: bool = False,
) -> Evidence:
    """Why `model` ranks these movies for these users.

    A reason is given only where it is so. A movie of the history is named where it adds at least
    `LEAST_MOVIE_SHARE` to all that speaks for the movie, else a genre of the movie if the
    history's movies of that genre add `LEAST_GENRE_SHARE` (or, in a model that corrects a profile
    by the history, if the history adds so much to all movies of the genre); a column of the
    profile from `LEAST_COLUMN_SHARE` on; else the reason is the history or profile as a whole.
    "Popular" is said of the more popular half of the catalogue only. A movie without any
    interaction is new, where its genre is one of the user's.

    Args:
        model: the recommender that placed the movies; fitted.
        users: the n users.
        items: int32 ``(n, k)``, −1 where there is no movie.
        catalogue: facts about the movies.
        top: movies of the history to name at most, at least 1.
        likes_known: whether the history holds what was liked, and not just what was met.
    """
    evidence = Evidence.of_nothing(items, top)
    if isinstance(model, RandomOrder):
        evidence.kinds[:] = Reason.RANDOM
    elif isinstance(model, Popularity):
        evidence.kinds[:] = Reason.OTHER
    elif isinstance(model, Profile):
        _by_profile(evidence, model, users, items, catalogue)
    else:
        _by_history(evidence, model, users, items, catalogue, likes_known)
    return _checked(evidence, users, items, catalogue)


def explain_mixed(
    models: Mapping[str, Recommender],
    weights: Mapping[str, Float32Array],
    users: UserBatch,
    items: Int32Array,
    catalogue: Catalogue,
    *,
    top: int = 2,
    likes_known: bool = False,
) -> Evidence:
    """Why a recommender that combines others ranks these movies: each by its main contributor.

    Args:
        models: the fitted recommenders by name.
        weights: float32 ``(n, k)`` by name: what each adds to the score of each place; NaN where
            it knows nothing. The largest decides, ties in the order given.
        users, items, catalogue, top, likes_known: see `explain`.
    """
    evidence = Evidence.of_nothing(items, top)
    names = list(weights)
    added = np.stack([np.nan_to_num(weights[name], nan=-np.inf) for name in names])
    main = added.argmax(axis=0)
    for number, name in enumerate(names):
        mine = (main == number) & (items >= 0)
        rows = np.flatnonzero(mine.any(axis=1))
        if not len(rows):
            continue
        part = explain(
            models[name],
            users.take(rows),
            np.where(mine[rows], items[rows], -1).astype(np.int32),
            catalogue,
            top=top,
            likes_known=likes_known,
        )
        places = np.nonzero(mine)
        inside = np.searchsorted(rows, places[0]), places[1]
        for field in fields(Evidence):
            getattr(evidence, field.name)[places] = getattr(part, field.name)[inside]
    return evidence


def _by_history(
    evidence: Evidence,
    model: Recommender,
    users: UserBatch,
    items: Int32Array,
    catalogue: Catalogue,
    likes_known: bool,
) -> None:
    parts = contributions(model, users, items)
    if parts is None:
        evidence.kinds[:] = np.where(model.knows(users), Reason.FITS, Reason.OTHER)[:, None]
        return
    movies, shares = parts.strongest(evidence.movies.shape[2])
    named = shares >= LEAST_MOVIE_SHARE
    evidence.movies[:] = np.where(named, movies, -1)
    evidence.shares[:] = np.where(named, shares, 0)
    kind = Reason.MOVIES_LIKED if likes_known else Reason.MOVIES_MET
    some = (parts.totals() > 0) & (movies[..., 0] >= 0)
    evidence.kinds[:] = np.select(
        [some & named[..., 0], some], [kind, Reason.HISTORY], Reason.OTHER
    )
    unnamed = evidence.kinds != kind
    evidence.movies[unnamed], evidence.shares[unnamed] = -1, 0
    _name_genres(evidence, parts, items, catalogue)


def _name_genres(
    evidence: Evidence, parts: Contributions, items: Int32Array, catalogue: Catalogue
) -> None:
    """A genre of the movie from which at least half of what speaks for it comes."""
    rows, places = np.nonzero(evidence.kinds == Reason.HISTORY)
    if not len(rows) or not catalogue.genres.vocabulary:
        return
    genres = catalogue.genres.movies
    share = parts.shares_by(genres)[rows, places] * genres[items[rows, places]].toarray()
    genre = share.argmax(axis=1)
    main = share[np.arange(len(rows)), genre] >= LEAST_GENRE_SHARE
    rows, places, genre = rows[main], places[main], genre[main]
    evidence.kinds[rows, places] = Reason.HISTORY_GENRE
    evidence.values[rows, places] = np.array(catalogue.genres.vocabulary, dtype=object)[genre]
    evidence.shares[rows, places, 0] = share[main, genre]


def _by_profile(
    evidence: Evidence, model: Profile, users: UserBatch, items: Int32Array, catalogue: Catalogue
) -> None:
    parts = profile_parts(model, users, items, catalogue.genres.movies)
    known = (parts.features >= 0).any(axis=2)
    of_columns = np.where(known, parts.columns.sum(axis=2), 0)
    by_kind = np.stack([np.zeros_like(of_columns), parts.general, of_columns, parts.history])
    kinds = np.array([Reason.OTHER, Reason.GENERAL, Reason.PROFILE, Reason.HISTORY])
    evidence.kinds[:] = kinds[by_kind.argmax(axis=0)]
    positive = np.maximum(parts.columns, 0).sum(axis=2)
    positive += np.maximum(parts.general, 0) + np.maximum(parts.history, 0)
    positive[positive == 0] = 1
    of_history = parts.history / positive
    evidence.kinds[of_history >= LEAST_COLUMN_SHARE] = Reason.HISTORY
    leans = (evidence.kinds == Reason.HISTORY) & (parts.leanings > 0)
    leans &= parts.leanings >= LEAST_GENRE_SHARE * parts.history
    evidence.kinds[leans] = Reason.HISTORY_LEANING
    vocabulary = np.array(catalogue.genres.vocabulary, dtype=object)
    evidence.values[leans] = vocabulary[parts.genres[leans]] if leans.any() else None
    if not parts.names:
        return
    usable = np.where(parts.features >= 0, parts.columns, -np.inf)
    best = usable.argmax(axis=2)
    largest = np.take_along_axis(usable, best[..., None], axis=2)[..., 0]
    feature = np.take_along_axis(parts.features, best[..., None], axis=2)[..., 0]
    share = largest / positive
    personal = (share >= LEAST_COLUMN_SHARE) & (share >= of_history)
    evidence.shares[personal, 0] = share[personal]
    for number, encoder in enumerate(model.encoder_.encoders):
        rows, places = np.nonzero(personal & (best == number))
        if not len(rows):
            continue
        values = feature_values(encoder, users.profiles, rows, feature[rows, places])
        kinds = np.full(len(rows), _OF_COLUMN.get(encoder.column, Reason.COLUMN), dtype=np.uint8)
        if encoder.column == n.PREFERRED_GENRES:
            has = _has_genre(catalogue, items[rows, places], values)
            kinds[:] = np.where(has, Reason.PREFERRED_GENRE, Reason.GENRE_PEERS)
        unsaid = np.array([value is None for value in values], dtype=bool)
        kinds[unsaid & (kinds != Reason.COLUMN)] = Reason.PROFILE
        evidence.kinds[rows, places] = kinds
        evidence.columns[rows, places] = encoder.column
        evidence.values[rows, places] = values


def _has_genre(
    catalogue: Catalogue, items: Int32Array, genres: npt.NDArray[np.object_]
) -> BoolArray:
    number = {genre: place for place, genre in enumerate(catalogue.genres.vocabulary)}
    columns = np.array([number.get(genre, -1) for genre in genres], dtype=np.int64)
    has = np.zeros(len(items), dtype=bool)
    known = np.flatnonzero(columns >= 0)
    if len(known):
        found = catalogue.genres.movies[items[known], columns[known]]
        has[known] = np.asarray(found).ravel() > 0
    return has


def _checked(
    evidence: Evidence, users: UserBatch, items: Int32Array, catalogue: Catalogue
) -> Evidence:
    """Evidence with what is so of the movie itself: it is popular, it is new, there is none."""
    kinds = evidence.kinds
    popular = catalogue.popular(_POPULAR_HALF) & (catalogue.counts > 0)
    kinds[np.isin(kinds, (Reason.GENERAL, Reason.OTHER)) & popular[items]] = Reason.POPULAR
    _name_new(evidence, users, items, catalogue)
    kinds[items < 0] = Reason.NONE
    return replace(evidence, kinds=kinds)


def _name_new(
    evidence: Evidence, users: UserBatch, items: Int32Array, catalogue: Catalogue
) -> None:
    """A movie without interactions of the genre that the user has most of is new to all."""
    rows, places = np.nonzero((items >= 0) & (catalogue.counts == 0)[items])
    if not len(rows) or not catalogue.genres.vocabulary:
        return
    taste = catalogue.taste(users)[rows]
    own = catalogue.genres.movies[items[rows, places]].toarray() * taste
    genre = own.argmax(axis=1)
    # More of it than of the usual genre: what is hardly there is no match.
    fits = own[np.arange(len(rows)), genre] >= 1 / len(catalogue.genres.vocabulary)
    rows, places, genre = rows[fits], places[fits], genre[fits]
    evidence.kinds[rows, places] = Reason.NEW
    evidence.values[rows, places] = np.array(catalogue.genres.vocabulary, dtype=object)[genre]
    evidence.columns[rows, places] = None
    evidence.movies[rows, places] = -1
    evidence.shares[rows, places] = 0
