"""Desk: takes a question, finds the release, has it answered, and keeps account of the answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

import orjson
import pandas as pd
from cachetools import LRUCache

from recsys_pipeline.errors import SettingsError, StorageError
from recsys_pipeline.pipeline.online import Event, EventStore, Shown
from recsys_pipeline.pipeline.serving_config import ServingConfig
from recsys_pipeline.serving import answers, answers_groups
from recsys_pipeline.serving.answers import Answer, Asker
from recsys_pipeline.serving.arms import NOWHERE, Placed
from recsys_pipeline.serving.batching import Batches
from recsys_pipeline.serving.cache import AnswerCache
from recsys_pipeline.serving.keeper import Keeper
from recsys_pipeline.serving.metrics import Metrics
from recsys_pipeline.serving.problems import NOT_VALID, Kind, Problem
from recsys_pipeline.serving.queries import (
    GroupQuery,
    ListQuery,
    QuestionnaireQuery,
    SessionQuery,
    SimilarQuery,
)
from recsys_pipeline.serving.release import LoadedRelease
from recsys_pipeline.serving.rendering import Ready, ready, rendered, shown
from recsys_pipeline.serving.since import Since

UNKNOWN_MOVIE: Final = Kind("unknown-movie", 404, "No movie has this id")

_CLICKED: Final = 100_000
"""Answers of which is known that a movie was clicked: a second click on them does not count."""

_log = logging.getLogger(__name__)

State = MutableMapping[str, Any]
"""What the gate and the app tell each other of one request; see `Gate`."""


Make = Callable[[LoadedRelease], Awaitable[Answer]]
"""Has a release answer."""


@dataclass(frozen=True, slots=True)
class _Together:
    """What users must have in common whose lists are made at once."""

    release: LoadedRelease
    query: ListQuery


class Recorder(Protocol):
    """Where what was shown goes; it may lag."""

    def submit_shown(self, shown: Shown) -> None: ...


class Desk:
    """Answers every question for a list. Users who ask at the same time are answered together.

    Args:
        keeper: which release answers whom.
        store: where events are read.
        recorder: where what was shown goes.
        cache: keeps what was computed.
        metrics: counts answers.
        since: what came in since.
        config: how long lists may be, and how many stored ones are kept ready to be sent.
        clock: seconds since 1970.
        person: the pseudonym of a user, for the log.
        erased: whether a person was erased, who is then answered as nobody is known.
    """

    def __init__(
        self,
        keeper: Keeper,
        store: EventStore,
        recorder: Recorder,
        cache: AnswerCache,
        metrics: Metrics,
        since: Since,
        config: ServingConfig,
        clock: Callable[[], float],
        person: Callable[[str], str],
        erased: Callable[[str], bool],
    ) -> None:
        self.keeper, self.since = keeper, since
        self._store, self._recorder, self._cache = store, recorder, cache
        self._metrics, self._clock, self._person = metrics, clock, person
        self._erased = erased
        self._most, self._entries = config.limits.k, config.cache.entries
        # By release, which goes with it: a list never comes from another one.
        self._prepared: WeakKeyDictionary[LoadedRelease, LRUCache[Any, Ready]] = WeakKeyDictionary()
        self._clicked: LRUCache[str, None] = LRUCache(_CLICKED)
        self._batches: Batches[_Together, str, Answer] = Batches(self._for_users)

    def close(self) -> None:
        """Let the thread end that makes lists."""
        self._batches.close()

    def at_once(self, user_id: str, k: int | None, state: State) -> bytes | None:
        """The stored list of a user as a body; None where it has to be made."""
        self._check_length(k)
        user_id = user_id.strip()
        if self._erased(user_id):
            return None
        placed = self.keeper.placed(user_id)
        release = placed.own or self.keeper.release(user_id)
        prepared = self._stored(release, user_id, k)
        if prepared is None:
            return None
        if self.since.version(user_id) and self.since.met(user_id, prepared.ids):
            return None
        return self._handed_out(prepared, state, placed)

    def _stored(self, release: LoadedRelease, user_id: str, k: int | None) -> Ready | None:
        """The stored list of a user, prepared once; None where there is none that could answer."""
        kept = self._prepared.get(release)
        if kept is None:
            kept = self._prepared[release] = LRUCache(self._entries)
        prepared: Ready | None = kept.get((user_id, k))
        if prepared is None:
            row = release.people.row_of(user_id)
            if row < 0 or user_id in release.model.applied_rules.blocked_users:
                return None
            answer = answers.stored(release, user_id, row, k)
            if answer is None:
                return None
            prepared = kept[user_id, k] = ready(answer)
        return prepared

    async def user(self, user_id: str, query: ListQuery, state: State) -> bytes:
        """A list for a user: the stored one, or one that is made now."""
        if query.plain:
            body = self.at_once(user_id, query.k, state)
            if body is not None:
                return body
        self._check_length(query.k)
        erased = self._erased(user_id)

        async def make(release: LoadedRelease) -> Answer:
            # A release that was read before may still know the person.
            whose = "" if erased else user_id
            question = self._batches.ask(_Together(release, query), whose)
            answer = await asyncio.wrap_future(question)
            return replace(answer, user_id=user_id) if erased else answer

        asked = None
        if not query.fresh and not erased:
            asked = _asked("user", query, self.since.version(user_id))
        return await self._answer(user_id, make, state, asked)

    def _for_users(self, together: "_Together", users: Sequence[str]) -> list[Answer]:
        events = self._events(users)
        askers = [Asker(user, None if events is None else events.get(user, [])) for user in users]
        return answers.for_users(together.release, askers, together.query, self._now())

    async def session(self, query: SessionQuery, state: State) -> bytes:
        """A list for an anonymous session."""
        self._check_length(query.k)
        now = self._now()
        return await self._answer(
            "", self._alone(lambda release: answers.for_session(release, query, now)), state
        )

    async def questionnaire(self, query: QuestionnaireQuery, state: State) -> bytes:
        """A list for somebody new who answers questions."""
        self._check_length(query.k)
        now = self._now()
        return await self._answer(
            "", self._alone(lambda release: answers.for_answers(release, query, now)), state
        )

    async def similar(self, movie: str, query: SimilarQuery, state: State) -> bytes:
        """The movies most like one. Raises Problem if nobody knows it."""
        self._check_length(query.k)
        now = self._now()

        def make(release: LoadedRelease) -> Answer:
            return answers_groups.similar(release, movie_of(release, movie), query, now)

        return await self._answer("", self._alone(make), state, _asked("similar", query, movie))

    async def group(self, trending: bool, query: GroupQuery, state: State) -> bytes:
        """What is popular or trending."""
        self._check_length(query.k)
        now = self._now()
        return await self._answer(
            "",
            self._alone(lambda release: answers_groups.for_group(release, trending, query, now)),
            state,
            _asked("trending" if trending else "popular", query, 0),
        )

    async def forget(self, user_id: str) -> None:
        """Nothing that was made for a user before is handed out again."""
        await self._cache.forget(user_id)

    def clicked(self, click: Event) -> None:
        """Count a click for the release and the arm that was clicked on: once for each answer."""
        if click.request_id and click.request_id not in self._clicked:
            self._clicked[click.request_id] = None
            self.keeper.clicked(click.release)
            placed = self.keeper.placed(click.user_id)
            if placed.experiment:
                self._metrics.arm_click(placed.experiment, placed.arm)

    def _alone(self, work: Callable[[LoadedRelease], Answer]) -> Make:
        """Have one answer made on a thread of its own."""

        async def make(release: LoadedRelease) -> Answer:
            return await asyncio.to_thread(work, release)

        return make

    async def _answer(
        self,
        user_id: str,
        make: Make,
        state: State,
        asked: bytes | None = None,
    ) -> bytes:
        """Have a release answer.

        Where one that is taking over fails, the one before answers; where that of an arm fails,
        the one in service does.

        Args:
            asked: all that the answer depends on, where it may come from the cache.
        """
        placed = self.keeper.placed(user_id)
        if placed.experiment and self._erased(user_id):
            placed = NOWHERE
        # Nobody's answers are spread over two releases that take turns, each by itself.
        in_service = self.keeper.release(user_id or state["answer_id"])
        release = placed.own or in_service
        try:
            answer = await self._made(release, user_id, make, asked)
        except (SettingsError, Problem) as error:
            raise _told(error) from error
        except Exception as error:
            self.keeper.note(release, error=True)
            before = self.keeper.instead_of(release)
            if placed.own is not None and release is not in_service:
                before, placed = in_service, placed.stood_in_for()
            if before is None:
                raise
            _log.warning("release %s could not answer: %s", release.id, type(error).__name__)
            answer = await self._made(before, user_id, make, None)
        return self._handed_out(ready(answer), state, placed)

    async def _made(
        self,
        release: LoadedRelease,
        user_id: str,
        make: Make,
        asked: bytes | None,
    ) -> Answer:
        if asked is not None and release.expires:
            # Movies come and go: what is kept holds for the minute in which it was made.
            asked += b"%d" % (self._clock() // 60)
        if asked is not None:
            kept = await self._cache.get(_namespace(release), user_id, asked)
            if kept is not None:
                kind, personal, places, notices = orjson.loads(kept)
                return Answer(release, kind, personal, places, user_id, tuple(notices))
        answer = await make(release)
        if asked is not None and "no_events" not in answer.notices:
            whole = [answer.kind, answer.personal, answer.places, answer.notices]
            await self._cache.put(_namespace(release), user_id, asked, orjson.dumps(whole))
        return answer

    def _events(self, users: Sequence[str]) -> dict[str, list[Event]] | None:
        try:
            return self._store.events_of_users(users)
        except StorageError:
            self._metrics.database_error("events_of")
            return None

    def _handed_out(self, prepared: Ready, state: State, placed: Placed) -> bytes:
        """The body of an answer; it is counted and recorded."""
        now, answer_id, answer = self._clock(), state["answer_id"], prepared.answer
        fallback = not answer.personal
        state["kind"], state["release"] = answer.kind, answer.release.id
        if answer.user_id and self._erased(answer.user_id):
            placed = NOWHERE
            record = replace(shown(prepared, answer_id, now, placed), user_id="")
        else:
            record = shown(prepared, answer_id, now, placed)
            if answer.user_id:
                state["person"] = self._person(answer.user_id)
        self._metrics.answer(answer.kind, not record.personal)
        if placed.experiment:
            self._metrics.arm_answer(placed.experiment, placed.arm)
        seconds = perf_counter() - state["started"]
        self.keeper.note(
            answer.release, seconds=seconds, fallback=fallback if answer.user_id else None
        )
        self._recorder.submit_shown(record)
        return rendered(prepared, answer_id, now, placed)

    def _check_length(self, k: int | None) -> None:
        if k is not None and k > self._most:
            raise Problem(NOT_VALID, f"k is at most {self._most}.")

    def _now(self) -> pd.Timestamp:
        return pd.Timestamp(self._clock(), unit="s", tz="UTC")


def movie_of(release: LoadedRelease, movie: str) -> int:
    """The item with that id. Raises Problem if there is none."""
    item = release.cards.item(movie)
    if item < 0:
        raise Problem(UNKNOWN_MOVIE, "Find its id with GET /v1/movies?search=…")
    return item


def _namespace(release: LoadedRelease) -> str:
    """Where answers are kept: another place once somebody was erased from the release."""
    return f"{release.id}.{release.manifest.erased}"


def _told(error: SettingsError | Problem) -> Problem:
    if isinstance(error, Problem):
        return error
    return Problem(NOT_VALID, f"{error.message} {error.hint}".strip())


def _asked(what: str, query: Any, more: object) -> bytes:
    return orjson.dumps([what, query.model_dump(mode="json"), more])
