"""The page at `/` and those below it: people, their lists and histories, and movies."""

from asyncio import to_thread
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import numpy as np
import orjson
import pandas as pd
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from recsys_pipeline.contracts import names as n
from recsys_pipeline.serving.addresses import MOVIE, USER
from recsys_pipeline.serving.desk import movie_of
from recsys_pipeline.serving.experiments_told import arm_of
from recsys_pipeline.serving.gate_rules import may_administer
from recsys_pipeline.serving.pages_forms import (
    LIST_FIELDS,
    Filled,
    asked_by_answers,
    asked_of_list,
    posted,
)
from recsys_pipeline.serving.pages_look import kept_query, page, to, words_of
from recsys_pipeline.serving.problems import Problem, invalid
from recsys_pipeline.serving.queries import (
    AGES,
    GroupQuery,
    ListQuery,
    QuestionnaireQuery,
    SimilarQuery,
)
from recsys_pipeline.serving.release import LoadedRelease
from recsys_pipeline.serving.routes_events import taken_in
from recsys_pipeline.serving.routes_facts import done_by
from recsys_pipeline.serving.schemas import EventSent
from recsys_pipeline.serving.service import Service, service_of, state_of
from recsys_pipeline.serving.values import ADDRESS, UserId

router: Final = APIRouter(include_in_schema=False)

_GROUP: Final = GroupQuery(k=6)
_SIMILAR: Final = SimilarQuery(k=10)
_USERS, _FOUND, _SUGGESTED, _HISTORY, _LIKES, _SHOWN = 8, 50, 200, 30, 3, 5
_KEPT: Final = frozenset(LIST_FIELDS) - {"fresh"}
FACTS: Final = (n.DURATION_MINUTES, n.MEAN_RATING, n.RATING_COUNT)
PROFILE: Final = (n.AGE, n.SEGMENT, n.PREFERRED_GENRES)

Told = dict[str, Any]


@router.get("/")
async def home(request: Request) -> Response:
    """Some users to pick from, for those who may see people, a search, and what is popular."""
    service, state = service_of(request), state_of(request)
    release = _for_nobody(request)
    popular, trending = [
        orjson.loads(await service.desk.group(rising, _GROUP, state)) for rising in (False, True)
    ]
    return page(
        request,
        "home.html",
        {
            "users": _some_users(release) if may_administer(request.scope) else [],
            "popular": popular,
            "trending": trending,
        },
        release=release,
    )


@router.get("/users")
async def users(request: Request, search: str = "") -> Response:
    """The user with that id, or those whose ids begin so, for those who may see people."""
    release = _for_nobody(request)
    wanted = search.strip()[:200]
    hidden = not may_administer(request.scope)
    if wanted and (hidden or release.people.row_of(wanted) >= 0):
        return to(request, f"/users/{quote(wanted, safe='')}")
    found = await to_thread(_beginning, release, wanted) if wanted else []
    return page(request, "users.html", {"text": wanted, "users": found}, release=release)


@router.get(f"/users/{USER}")
async def user(request: Request, user_id: UserId) -> Response:
    """A user's list beside the history, with what adjusts it; or the list alone, for the dial.

    What is known of the user is there for those who may see it.
    """
    service, words = service_of(request), words_of(request)
    release = service.keeper.of_user(user_id)
    filled = asked_of_list(request.query_params, release, words.language)
    assert isinstance(filled.query, ListQuery)
    answer = orjson.loads(await service.desk.user(user_id, filled.query, state_of(request)))
    status = 422 if filled.faults else 200
    values = {n.USER_ID: user_id, "answer": answer, "filled": filled, "kept": filled.pairs}
    if request.query_params.get("part") == "list":
        return page(request, "list.html", values, status, release)
    history, inspected = None, None
    if may_administer(request.scope):
        history = await to_thread(done_by, service, user_id, _HISTORY)
        inspected = await to_thread(_inspected, service, user_id)
    return page(
        request,
        "user.html",
        {
            **values,
            **_dials(release, filled),
            "history": history,
            "inspected": inspected,
            "profile": _profile(release, user_id) if history and history["known"] else [],
            "done": _done(request, release),
        },
        status,
        release,
    )


@router.post("/feedback")
async def feedback(request: Request) -> Response:
    """Take in what is said of a recommendation, and show the list that comes of it."""
    sent = await posted(request)
    fields = (n.USER_ID, n.MOVIE_ID, "kind", "answer_id", n.RELEASE, n.RANK)
    try:
        given = {name: sent[name] for name in fields if sent.get(name)}
        event = EventSent.model_validate(given, context=ADDRESS)
    except ValidationError as error:
        raise invalid(error.errors()) from error
    taken = await taken_in(service_of(request), (event,))
    pairs = kept_query(sent.get("kept", ""), _KEPT)
    if not taken["refused"]:
        pairs += [("done", event.kind), ("movie", event.movie_id)]
    query = urlencode(pairs)
    return to(request, f"/users/{quote(event.user_id, safe='')}", query)


@router.get("/new")
async def new(request: Request) -> Response:
    """Questions for somebody new, and the list that comes of the answers."""
    service, words = service_of(request), words_of(request)
    release = _for_nobody(request)
    filled = asked_by_answers(request.query_params.multi_items(), release, words.language)
    answer, wrong = None, ""
    assert isinstance(filled.query, QuestionnaireQuery)
    if filled.query.likes or filled.query.genres or filled.query.age_band:
        try:
            answer = await service.desk.questionnaire(filled.query, state_of(request))
        except Problem as problem:
            wrong = problem.detail
    popular = release.groups.best("everybody", "everybody", _SUGGESTED, None)
    return page(
        request,
        "new.html",
        {
            "answer": None if answer is None else orjson.loads(answer),
            "wrong": wrong,
            "filled": filled,
            "kept": "",
            n.USER_ID: "",
            "genres": release.cards.genres,
            "ages": list(AGES),
            "likes": filled.values["likes"] + [""] * (_LIKES - len(filled.values["likes"])),
            "suggested": [release.cards.cards[item][n.TITLE] for item in popular.tolist()],
        },
        422 if filled.faults or wrong else 200,
        release,
    )


@router.get("/movies")
async def movies(request: Request, search: str = "") -> Response:
    """Movies by a part of their title; without one, popular ones."""
    release = _for_nobody(request)
    wanted = search.strip()[:200]
    if wanted:
        items = release.cards.search(wanted, _FOUND)
    else:
        items = release.groups.best("everybody", "everybody", _FOUND, None).tolist()
    cards = [release.cards.cards[item] for item in items]
    return page(request, "movies.html", {"text": wanted, "movies": cards}, release=release)


@router.get(f"/movies/{MOVIE}")
async def movie(request: Request, movie_id: str) -> Response:
    """What is known of a movie, and those most like it."""
    service = service_of(request)
    release = _for_nobody(request)
    item = movie_of(release, movie_id)
    answer = orjson.loads(await service.desk.similar(movie_id, _SIMILAR, state_of(request)))
    return page(
        request,
        "movie.html",
        {
            "movie": release.cards.cards[item],
            "facts": _facts(release, item),
            "lists": int((release.lists.items == item).sum()),
            "of_lists": len(release.lists),
            "answer": answer,
        },
        release=release,
    )


def _inspected(service: Service, user_id: str) -> Told:
    """A user's arm and release now, and the last lists shown with theirs."""
    service.writer.flush()
    shown = [] if service.people.erased(user_id) else service.events.shown_to(user_id, None, _SHOWN)
    return {**arm_of(service, user_id), "answers": shown}


def _for_nobody(request: Request) -> LoadedRelease:
    """The release that answers where no user is named: the one that the desk takes, too."""
    return service_of(request).keeper.release(state_of(request)["answer_id"])


def _some_users(release: LoadedRelease) -> list[Told]:
    """Users spread evenly over all of them."""
    count = release.people.data.n_users
    wanted = min(_USERS, count)
    return [_known_user(release, place * count // wanted) for place in range(wanted)]


def _beginning(release: LoadedRelease, text: str) -> list[Told]:
    """Users whose id begins with `text`."""
    found: list[Told] = []
    for row, each in enumerate(release.people.data.users.values):
        if str(each).startswith(text):
            found.append(_known_user(release, row))
            if len(found) == _FOUND:
                break
    return found


def _known_user(release: LoadedRelease, row: int) -> Told:
    people = release.people
    user_id = str(people.data.users.values[row])
    return {
        "id": user_id,
        "events": int(people.starts[row + 1] - people.starts[row]),
        "profile": _profile(release, user_id),
    }


def _profile(release: LoadedRelease, user_id: str) -> list[tuple[str, str]]:
    """What the users table says of a user: names and values, those that it has."""
    row = release.people.row_of(user_id)
    profiles = release.people.data.profiles
    told = []
    for name in PROFILE:
        if row < 0 or name not in profiles.columns:
            continue
        text = _plain(profiles[name].iloc[row])
        if text:
            told.append((name, text))
    return told


def _facts(release: LoadedRelease, item: int) -> list[tuple[str, Any]]:
    """What the catalogue says of a movie besides title, genres and year."""
    table = release.model.movies
    told = []
    for name in FACTS:
        if name in table.columns and pd.notna(table[name].iloc[item]):
            told.append((name, float(table[name].iloc[item])))
    return told


def _plain(value: Any) -> str:
    """A value of a table as a text; empty for a missing one."""
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(dict.fromkeys(str(each) for each in value))
    if pd.isna(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _dials(release: LoadedRelease, filled: Filled) -> Told:
    """What the form that adjusts a list offers."""
    years = release.cards.years
    known = years[~np.isnan(years)]
    standard = release.model.reranking.diversity
    values: Mapping[str, Any] = filled.values
    return {
        "genres": release.cards.genres,
        "years": (int(known.min()), int(known.max())) if len(known) else None,
        "diversity": float(values["diversity"] or standard),
        "adjusted": any(values[name] for name in _KEPT),
    }


def _done(request: Request, release: LoadedRelease) -> str:
    """What was just said of which movie, as a sentence; empty for nothing."""
    kind, item = (
        request.query_params.get("done"),
        release.cards.item(request.query_params.get("movie", "")),
    )
    if kind not in ("useful", "not_for_me") or item < 0:
        return ""
    return words_of(request)(f"done_{kind}", title=release.cards.cards[item][n.TITLE])
