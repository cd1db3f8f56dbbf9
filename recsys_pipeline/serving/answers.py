"""Answers: the lists of one release, for anybody who asks. Framework-free.

Every function takes the release that answers first, so that one answer never mixes two. Lists that
are computed come from the code that made the stored ones: `ReleasedModel.recommend`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray, UserBatch
from recsys_pipeline.errors import ModelError
from recsys_pipeline.models.popularity import Popularity
from recsys_pipeline.models.random_order import RandomOrder
from recsys_pipeline.models.trending import Trending
from recsys_pipeline.pipeline.feedback import interactions_of
from recsys_pipeline.pipeline.online import Event
from recsys_pipeline.pipeline.questionnaire import Answers, liking, told
from recsys_pipeline.ranking.config import RerankingConfig
from recsys_pipeline.ranking.exploration import UInt64Array, exploration_keys
from recsys_pipeline.ranking.released import ReleasedModel
from recsys_pipeline.ranking.reranking import EXPLORATION
from recsys_pipeline.ranking.reranking import KINDS as KINDS_OF_PLACES
from recsys_pipeline.serving.filters import allowed_movies, moment_of
from recsys_pipeline.serving.groups import TRENDING
from recsys_pipeline.serving.queries import (
    AGES,
    ListQuery,
    MadeQuery,
    QuestionnaireQuery,
    SessionQuery,
)
from recsys_pipeline.serving.release import LoadedRelease

STORED: Final = "stored"
FRESH: Final = "fresh"
COLD: Final = "cold"
SESSION: Final = "session"
QUESTIONNAIRE: Final = "questionnaire"
SIMILAR: Final = "similar"
POPULAR: Final = "popular"
KINDS: Final = (STORED, FRESH, COLD, SESSION, QUESTIONNAIRE, SIMILAR, POPULAR, TRENDING)
"""How a list came to be."""

STALE_SECONDS: Final = 8 * 86_400
"""A release that is older says so in every answer: a weekly run has been missed."""

NOTICES: Final = {
    "unknown_user": "Nothing is known of this user: a list for somebody new.",
    "unknown_movies": "Some of the movies named are not in the catalogue.",
    "no_events": "What this user did since the release was made could not be read just now.",
    "blocked": "The business rules say that this user gets no list.",
    "short": "Fewer movies are left than were asked for.",
    "stale": "The release is more than eight days old.",
    "arm_unavailable": "The release of this user's arm of an experiment cannot answer just now; "
    "the one in service does.",
}

_MOST_CANDIDATES: Final = 5_000
"""Movies among which a varied list is made, at most."""

_IMPERSONAL: Final = frozenset(
    (Popularity.name, Trending.name, RandomOrder.name, KINDS_OF_PLACES[EXPLORATION])
)

Place = tuple[int, float, str, str, float]
"""Item, score (0 to 1), source, reason, propensity."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A list for somebody.

    Attributes:
        release: that it comes from.
        kind: how it came to be, one of `KINDS`.
        personal: whether it rests on something that is known of the person.
        places: best first.
        user_id: whose list, or empty.
        notices: what else is to be said, keys of `NOTICES`.
    """

    release: LoadedRelease
    kind: str
    personal: bool
    places: Sequence[Place]
    user_id: str = ""
    notices: tuple[str, ...] = ()


def stored(release: LoadedRelease, user_id: str, row: int, k: int | None) -> Answer | None:
    """The stored list of a known user; None where it cannot answer.

    It cannot where it is shorter than asked for, and where movies come and go.
    """
    length = release.lists.length(row)
    wanted = k or release.manifest.k
    if length < wanted or release.expires:
        return None
    places = release.lists.places(row, wanted)
    return Answer(release, STORED, _personal(places), places, user_id)


@dataclass(frozen=True, slots=True)
class Asker:
    """A user who wants a list made now.

    Attributes:
        user_id: known or not.
        events: all that came in from that user, whenever; what the release knows already counts
            once. None where it could not be read.
    """

    user_id: str
    events: Sequence[Event] | None


def for_users(
    release: LoadedRelease, askers: Sequence[Asker], query: ListQuery, now: pd.Timestamp
) -> list[Answer]:
    """Lists made at this moment; several at once cost little more than one.

    Args:
        now: the moment at which movies must be available.

    Raises:
        SettingsError: a genre is not known.
    """
    people, blocked = release.people, release.model.applied_rules.blocked_users
    rows = [people.row_of(asker.user_id) for asker in askers]
    since = [_since(release, asker.events or ()) for asker in askers]
    known = [row >= 0 or later is not None for row, later in zip(rows, since, strict=True)]
    made: list[Sequence[Place]] = [()] * len(askers)
    for whether in (True, False):
        chosen = [
            number
            for number, asker in enumerate(askers)
            if known[number] is whether and asker.user_id not in blocked
        ]
        if not chosen:
            continue
        users = people.batch([rows[each] for each in chosen], [since[each] for each in chosen])
        # Nothing is explored with somebody of whom nothing is known.
        keys = _keys(release, [askers[each].user_id for each in chosen]) if whether else None
        for number, places in zip(chosen, _places(release, users, query, now, keys), strict=True):
            made[number] = places
    return [
        _of_asker(release, asker, query, is_known, places)
        for asker, is_known, places in zip(askers, known, made, strict=True)
    ]


def tried(release: LoadedRelease) -> LoadedRelease:
    """The release, once it has made a list for somebody unknown and for its first user.

    What it needs is then at hand for the first who asks.

    Raises:
        ModelError: it cannot make one.
    """
    users = release.people.data.users.values
    askers = [Asker("", ()), *(Asker(str(user), ()) for user in users[:1])]
    now = pd.Timestamp(release.made_at, unit="s", tz="UTC")
    try:
        for_users(release, askers, ListQuery(fresh=True), now)
        if len(release.cards.cards):
            release.model.similar(0, 1)
    except Exception as error:
        raise ModelError(
            f"Release {release.id} is whole and cannot make a list: {type(error).__name__}.",
            "Run `recsys run` again to write a new release.",
        ) from error
    return release


def _of_asker(
    release: LoadedRelease, asker: Asker, query: ListQuery, known: bool, places: Sequence[Place]
) -> Answer:
    if asker.user_id in release.model.applied_rules.blocked_users:
        return Answer(release, STORED, False, (), asker.user_id, ("blocked",))
    notices: tuple[str, ...] = () if known else ("unknown_user",)
    if asker.events is None:
        notices += ("no_events",)
    notices += short(places, query.k or release.manifest.k)
    kind = FRESH if known else COLD
    return Answer(release, kind, known and _personal(places), places, asker.user_id, notices)


def _keys(release: LoadedRelease, user_ids: Sequence[str]) -> UInt64Array:
    """What exploration draws by: for users of the release that of their stored lists."""
    people = release.people
    keys = np.zeros(len(user_ids), dtype=np.uint64)
    for number, user_id in enumerate(user_ids):
        row = people.row_of(user_id)
        ids = people.data.users.values[row : row + 1]
        own = ids if row >= 0 else pd.Index([user_id], dtype="str")
        keys[number] = exploration_keys(own, release.occasion)[0]
    return keys


def for_session(release: LoadedRelease, query: SessionQuery, now: pd.Timestamp) -> Answer:
    """A list for somebody of whom nothing is known but some movies. Raises SettingsError."""
    items = [release.cards.item(movie) for movie in query.movies]
    known = [item for item in items if item >= 0]
    notices = ("unknown_movies",) if len(known) < len(items) else ()
    users = liking(release.model, known, pd.DataFrame(index=[0]))
    kind = SESSION if known else COLD
    return _made(release, kind, users, query, now, bool(known), notices)


def for_answers(release: LoadedRelease, query: QuestionnaireQuery, now: pd.Timestamp) -> Answer:
    """A list for somebody new who answers questions. Raises SettingsError for a bad answer."""
    profile: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in query.profile.items()
    }
    if query.age_band is not None:
        profile.setdefault(n.AGE, AGES[query.age_band])
    answers = Answers(query.likes, query.genres, profile)
    asked = told(release.model, answers)
    kind = QUESTIONNAIRE if answers.any else COLD
    return _made(release, kind, asked.users, query, now, answers.any, allowed=asked.allowed)


def _made(
    release: LoadedRelease,
    kind: str,
    users: UserBatch,
    query: MadeQuery,
    now: pd.Timestamp,
    known: bool,
    notices: tuple[str, ...] = (),
    allowed: BoolArray | None = None,
) -> Answer:
    """A list for a batch of one whom nobody names."""
    (places,) = _places(release, users, query, now, allowed=allowed)
    notices += short(places, query.k or release.manifest.k)
    return Answer(release, kind, known and _personal(places), places, "", notices)


def _places(
    release: LoadedRelease,
    users: UserBatch,
    query: MadeQuery,
    now: pd.Timestamp,
    keys: UInt64Array | None = None,
    allowed: BoolArray | None = None,
) -> list[list[Place]]:
    """The list of each user, by the code that makes the stored lists."""
    model = release.model
    k = query.k or release.manifest.k
    mask = allowed_movies(release, query)
    if allowed is not None:
        mask = allowed if mask is None else mask & allowed
    reranking = None
    if query.diversity is not None:
        reranking = _dialled(model, query.diversity)
    moment = moment_of(query, now)
    # The last places of a list explore: a shorter list is the beginning of the stored one.
    whole = max(k, release.manifest.k)
    lists = model.recommend(users, whole, mask, keys, reranking=reranking, as_of=moment)
    reasons = model.reasons(users, lists, query.language)
    columns = (lists.items, lists.scores.astype(float), lists.sources, reasons)
    parts = [column[:, :k].tolist() for column in (*columns, lists.propensities.astype(float))]
    return [
        [place for place in zip(*user, strict=True) if place[0] >= 0]
        for user in zip(*parts, strict=True)
    ]


def _dialled(model: ReleasedModel, diversity: float) -> RerankingConfig:
    """The model's dials but for diversity, with as much to choose from as that asks for.

    A person's best movies are often all of one kind: variety has to be looked for further down.
    """
    config = model.reranking
    update: dict[str, float | int] = {"diversity": diversity}
    if diversity > config.diversity:
        wanted = min(int(diversity * len(model.items)), _MOST_CANDIDATES)
        update["candidates"] = max(config.candidates, wanted)
    return config.model_copy(update=update)


def _personal(places: Sequence[Place]) -> bool:
    """Whether a recommender ranked a movie that takes notice of who asks."""
    return any(source not in _IMPERSONAL for _, _, source, _, _ in places)


def short(places: Sequence[Place], k: int) -> tuple[str, ...]:
    """The notice of a list that is shorter than was asked for."""
    return ("short",) if len(places) < k else ()


def _since(release: LoadedRelease, events: Sequence[Event]) -> pd.DataFrame | None:
    """What the events say, as interactions with movies of this release; None for nothing."""
    data, cards = release.people.data, release.cards
    known = [event for event in events if cards.item(event.movie_id) >= 0]
    if not known:
        return None
    rows = interactions_of(known, data.columns, release.people.likes)
    if rows.empty:
        return None
    items = [cards.item(movie) for movie in rows[n.MOVIE_ID]]
    return rows.assign(**{n.MOVIE_ID: data.items.id_of(np.array(items))})
