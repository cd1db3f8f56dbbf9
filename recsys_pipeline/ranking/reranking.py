"""From a user's best candidates to the places of a list."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array, UserBatch
from recsys_pipeline.models.base import row_blocks
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.config import RerankingConfig
from recsys_pipeline.ranking.diversity import (
    CalibratedGenres,
    CandidateGenres,
    Gain,
    GenreLimit,
    MaximalMarginalRelevance,
)
from recsys_pipeline.ranking.exploration import UInt64Array, draw, rarity
from recsys_pipeline.ranking.rules import Rules

PERSONAL: Final = 0
SERENDIPITY: Final = 1
EXPLORATION: Final = 2
KINDS: Final = ("personal", "serendipity", "exploration")
"""Name of each kind of place, by its number."""

WELL_KNOWN: Final = 0.05
"""Share of the catalogue, by interactions, that is too well known to surprise anybody."""

_BLOCK_BYTES = 4_000_000


@dataclass(frozen=True)
class Placed:
    """Lists with what is known of each place; all arrays are ``(n, k)``.

    Attributes:
        items: int32, −1 where no candidate is left.
        scores: float32, the candidates' probabilities; 0 where the item is −1. They descend only
            where nothing but the probability decides.
        kinds: uint8, PERSONAL, SERENDIPITY or EXPLORATION.
        propensities: float32, the probability with which the movie got this place, given those
            before it: 1 but for exploration.
        beyond_limit: bool, whether the movie exceeds the limit on movies of one genre because no
            other candidate was left.
    """

    items: Int32Array
    scores: Float32Array
    kinds: npt.NDArray[np.uint8]
    propensities: Float32Array
    beyond_limit: BoolArray


def rerank(
    items: Int32Array,
    probabilities: Float32Array,
    users: UserBatch,
    k: int,
    *,
    catalogue: Catalogue,
    config: RerankingConfig,
    keys: UInt64Array,
    rules: Rules | None = None,
) -> Placed:
    """Lists of k movies, chosen among candidates one place after the other.

    First the probabilities are boosted by the rules. A candidate's relevance is then its
    probability ÷ the largest of the user's candidates, so that a place is paid for in shares of
    the best: where all are about as probable, variety costs nothing and is taken. A personal
    place takes the largest of ``(1 − diversity) · relevance + diversity · gain`` (see `diversity`
    for the gains), ties in the order of the candidates.

    Then come the places for serendipity: the largest of ``relevance · (1 − likeness)`` among the
    candidates that are not among the best-known twentieth of the catalogue, where likeness is the
    cosine between the movie's genres and the user's mix of genres. What is both likely to be
    liked and unexpected is serendipitous, and what is popular is expected by everybody (Ge,
    Delgado-Battenfeld and Jannach, Beyond accuracy, RecSys 2010; utility times unexpectedness as
    in Adamopoulos and Tuzhilin, On unexpectedness in recommender systems, ACM TIST 5(4), 2014).

    The last places are for exploration: drawn among the first `exploration_pool` of the user's
    order (no further down than `candidates`, and at least among k), each with a probability
    proportional to ``relevance / sqrt(1 + interactions)``.

    A place for which no such candidate is open is a personal one. A user's list depends on that
    user alone.

    Args:
        items: int32 ``(n, m)``, candidates, best first, −1 where there are none left. None twice.
        probabilities: float32 ``(n, m)``, 0 to 1.
        users: the n users.
        k: length of a list, at least 1.
        catalogue: facts about the movies.
        config: the dials.
        keys: uint64 ``(n,)``, decide what is drawn; see `exploration_keys`.
        rules: boosts and the limit per genre; blocked movies are no candidates any more.
    """
    limit = None if rules is None else rules.max_per_genre
    if rules is not None and rules.factors is not None:
        items, probabilities = _sorted(items, rules.boosted(items, probabilities))
    parts = []
    width = 4 * max(1, items.shape[1])
    for rows in row_blocks(len(users), 4 * width, limit=_BLOCK_BYTES):
        lists = _Lists(
            items[rows], probabilities[rows], users.take(rows), k, catalogue, config, limit
        )
        parts.append(lists.fill(keys[rows]))
    if not parts:
        parts.append(_nothing(0, k))
    columns = (
        np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Placed)
    )
    return Placed(*columns)


def _sorted(items: Int32Array, probabilities: Float32Array) -> tuple[Int32Array, Float32Array]:
    """Candidates by descending probability; equal ones, and those that are none, stay behind."""
    order = np.argsort(np.where(items < 0, np.inf, -probabilities), axis=1, kind="stable")
    ordered = np.take_along_axis(items, order, axis=1)
    return ordered, np.take_along_axis(probabilities, order, axis=1)


def _nothing(n: int, k: int) -> Placed:
    return Placed(
        np.full((n, k), -1, dtype=np.int32),
        np.zeros((n, k), dtype=np.float32),
        np.zeros((n, k), dtype=np.uint8),
        np.ones((n, k), dtype=np.float32),
        np.zeros((n, k), dtype=bool),
    )


class _Lists:
    """The lists of a block of users while they grow."""

    def __init__(
        self,
        items: Int32Array,
        probabilities: Float32Array,
        users: UserBatch,
        k: int,
        catalogue: Catalogue,
        config: RerankingConfig,
        limit: int | None,
    ) -> None:
        self._items, self._probabilities = items, probabilities
        self._users, self._k = users, k
        self._catalogue, self._config = catalogue, config
        self._placed = _nothing(len(users), k)
        self._open = items >= 0
        best = np.where(self._open, probabilities, 0).max(axis=1, initial=0)[:, None]
        self._relevance = np.divide(
            probabilities, best, out=np.zeros_like(probabilities), where=best > 0
        )
        self._gain = self._make_gain()
        self._limit = None
        if limit is not None:
            self._limit = GenreLimit(CandidateGenres.of(items, catalogue.genres.movies), limit)

    def _make_gain(self) -> Gain | None:
        if not self._config.diversity:
            return None
        if self._config.method == "mmr":
            directions = CandidateGenres.of(self._items, self._catalogue.genre_directions)
            return MaximalMarginalRelevance(directions)
        shares = CandidateGenres.of(self._items, self._catalogue.genre_shares)
        return CalibratedGenres(shares, self._catalogue.taste(self._users))

    def fill(self, keys: UInt64Array) -> Placed:
        """All places, one after the other."""
        explore = min(self._config.exploration_slots, self._k)
        surprise = min(self._config.serendipity_slots, self._k - explore)
        personal = self._k - explore - surprise
        surprising = self._surprising() if surprise else None
        drawable, weights = self._drawable() if explore else (None, None)
        for place in range(self._k):
            allowed = self._allowed()
            chosen = np.full(len(self._users), -1, dtype=np.int64)
            if personal <= place < personal + surprise and surprising is not None:
                chosen = _largest(surprising, allowed & (surprising > 0))
                self._note(place, chosen, SERENDIPITY)
            elif place >= personal + surprise and drawable is not None and weights is not None:
                drawn = draw(weights, allowed & drawable, keys, place)
                chosen = drawn.chosen
                self._note(place, chosen, EXPLORATION)
                self._placed.propensities[:, place] = drawn.propensities
            self._personal(place, chosen, allowed)
        return self._placed

    def _allowed(self) -> BoolArray:
        return self._open if self._limit is None else self._open & self._limit.allows()

    def _note(self, place: int, chosen: npt.NDArray[np.int64], kind: int) -> None:
        self._placed.kinds[chosen >= 0, place] = kind

    def _personal(self, place: int, chosen: npt.NDArray[np.int64], allowed: BoolArray) -> None:
        """Put the chosen candidates at `place`, and personal ones where none is chosen yet."""
        if (chosen < 0).any():
            value = self._relevance
            if self._gain is not None:
                dial = np.float32(self._config.diversity)
                value = (1 - dial) * value + dial * self._gain.values()
            best = _largest(value, allowed)
            beyond = (chosen < 0) & (best < 0) & self._open.any(axis=1)
            if beyond.any():
                best = np.where(beyond, _largest(value, self._open), best)
            self._placed.beyond_limit[:, place] = beyond
            chosen = np.where(chosen < 0, best, chosen)
        rows = np.flatnonzero(chosen >= 0)
        columns = chosen[rows]
        self._placed.items[rows, place] = self._items[rows, columns]
        self._placed.scores[rows, place] = self._probabilities[rows, columns]
        self._open[rows, columns] = False
        for follower in (self._gain, self._limit):
            if follower is not None and len(rows):
                follower.chose(columns, rows)

    def _surprising(self) -> Float32Array:
        """Relevance times unexpectedness; 0 for the well known."""
        taste = self._catalogue.taste(self._users)
        length = np.linalg.norm(taste, axis=1, keepdims=True)
        direction = np.divide(taste, length, out=np.zeros_like(taste), where=length > 0)
        genres = CandidateGenres.of(self._items, self._catalogue.genre_directions)
        likeness = genres.products(genres.table(direction))
        value = np.asarray(self._relevance * np.maximum(1 - likeness, 0), dtype=np.float32)
        value[self._catalogue.popular(WELL_KNOWN)[self._items]] = 0
        return value

    def _drawable(self) -> tuple[BoolArray, Float32Array]:
        """Which candidates may be drawn, and their weights."""
        share = int(np.ceil(self._config.exploration_pool * self._catalogue.n_items))
        size = max(self._k, min(self._config.candidates, share))
        drawable = np.zeros(self._items.shape, dtype=bool)
        drawable[:, :size] = True
        return drawable, self._relevance * rarity(self._catalogue.counts)[self._items]


def _largest(value: Float32Array, open_: BoolArray) -> npt.NDArray[np.int64]:
    """Column of the largest open value of each row, the first of equal ones; −1 for none."""
    if not value.shape[1]:
        return np.full(len(value), -1, dtype=np.int64)
    best = np.where(open_, value, -np.inf).argmax(axis=1)
    return np.where(open_.any(axis=1), best, -1)
