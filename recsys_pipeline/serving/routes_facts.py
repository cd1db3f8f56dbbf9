"""Routes that tell facts: movies, groups, a user's history, and what was shown to whom."""

from asyncio import to_thread
from datetime import UTC
from typing import Annotated, Any, Final

import numpy as np
import orjson
import pandas as pd
from fastapi import APIRouter, Query, Request, Response

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.online import Shown
from recsys_pipeline.serving.addresses import MOVIE, USER
from recsys_pipeline.serving.desk import movie_of
from recsys_pipeline.serving.groups import CLUSTER, EVERYBODY, SEGMENT
from recsys_pipeline.serving.release import LoadedRelease
from recsys_pipeline.serving.schemas import OneMovieTold
from recsys_pipeline.serving.service import Service, aged, json_response, service_of, told
from recsys_pipeline.serving.values import Moment, UserId

router: Final = APIRouter(tags=["facts"])

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Search = Annotated[str, Query(max_length=200, description="A part of the title.")]

_KINDS = {True: "liked", False: "met"}


@router.get("/v1/movies", responses=told(), summary="Find movies by title")
async def movies(request: Request, search: Search = "", limit: Limit = 20) -> Response:
    """Movies whose title holds a text, those that begin with it first; else popular ones."""
    service = service_of(request)
    release = service.keeper.release()
    if search.strip():
        items = release.cards.search(search, limit)
    else:
        items = release.groups.best(EVERYBODY, EVERYBODY, limit, None).tolist()
    found = [release.cards.cards[item] for item in items]
    return json_response(orjson.dumps({"release": aged(service, release), "movies": found}))


@router.get(
    f"/v1/movies/{MOVIE}", response_model=OneMovieTold, responses=told(404), summary="A movie"
)
async def movie(request: Request, movie_id: str) -> Response:
    """What is known of a movie."""
    service = service_of(request)
    release = service.keeper.release()
    card = release.cards.cards[movie_of(release, movie_id)]
    return json_response(orjson.dumps({**card, "release": aged(service, release)}))


@router.get("/v1/catalogue", responses=told(), summary="Genres, segments and clusters")
async def catalogue(request: Request) -> Response:
    """What lists can be filtered by and asked for."""
    service = service_of(request)
    release = service.keeper.release()
    groups, years = release.groups.scores, release.cards.years
    known = years[~np.isnan(years)]
    body = {
        "release": aged(service, release),
        "movies": len(release.cards.cards),
        "genres": release.cards.genres,
        "segments": list(groups.get(SEGMENT, {})),
        "clusters": [int(each) for each in groups.get(CLUSTER, {})],
        "years": [int(known.min()), int(known.max())] if len(known) else None,
    }
    return json_response(orjson.dumps(body))


@router.get(f"/v1/users/{USER}/history", responses=told(), summary="A user's history")
async def history(request: Request, user_id: UserId, limit: Limit = 50) -> Response:
    """What a user did, the newest first: as of the release, and what came in since."""
    service = service_of(request)
    return json_response(await to_thread(lambda: orjson.dumps(done_by(service, user_id, limit))))


@router.get(f"/v1/users/{USER}/shown", responses=told(), summary="What was shown to a user")
async def shown_to(
    request: Request,
    user_id: UserId,
    at: Annotated[Moment | None, Query(description="Up to this moment; without one, now.")] = None,
    limit: Limit = 20,
) -> Response:
    """The lists that a user was given up to a moment, the newest first, and by which release."""
    service = service_of(request)

    def read() -> bytes:
        service.writer.flush()
        until = None if at is None else at.astimezone(UTC)
        answers = service.events.shown_to(user_id, until, limit)
        release = service.keeper.of_user(user_id)
        rows = [_answer(release, each) for each in answers]
        return orjson.dumps({n.USER_ID: user_id, "answers": rows})

    return json_response(await to_thread(read))


@router.get("/v1/admin/users", responses=told(), summary="Find users")
async def users(request: Request, search: Search = "", limit: Limit = 20) -> Response:
    """Users whose id begins with a text."""
    ids = service_of(request).keeper.release().people.data.users.values
    wanted = search.strip()
    found: list[Any] = []
    for each in ids:
        if len(found) == limit:
            break
        if str(each).startswith(wanted):
            found.append(each)
    return json_response(orjson.dumps({"users": [str(each) for each in found]}))


def done_by(service: Service, user_id: str, limit: int) -> dict[str, Any]:
    """What a user did, the newest first, `limit` at most, and whether anything is known of them.

    Raises:
        ReleaseError: there is no release.
        StorageError: the events cannot be read.
    """
    release = service.keeper.of_user(user_id)
    known, rows = False, []
    # A release that was read before somebody was erased may still know them.
    if not service.people.erased(user_id):
        rows = [*_known(release, user_id), *_later(release, service.events.events_of(user_id))]
        rows.sort(key=lambda row: row["at"] or "", reverse=True)
        known = release.people.row_of(user_id) >= 0 or bool(rows)
    return {
        n.USER_ID: user_id,
        "known": known,
        "release": aged(service, release),
        "events": rows[:limit],
        "count": len(rows),
    }


def _known(release: LoadedRelease, user_id: str) -> list[dict[str, Any]]:
    row = release.people.row_of(user_id)
    if row < 0:
        return []
    events = release.people.history(row)
    cards = release.cards.cards
    times: list[str | None] = [None] * len(events)
    if events.time is not None:
        moments = pd.to_datetime(events.time, unit="us", utc=True)
        times = [moment.isoformat() for moment in moments]
    return [
        {**cards[item], "at": at, "kind": _KINDS[bool(positive)], "since": False}
        for item, at, positive in zip(
            events.item.tolist(), times, events.positive.tolist(), strict=True
        )
    ]


def _later(release: LoadedRelease, events: Any) -> list[dict[str, Any]]:
    cards = release.cards
    return [
        {
            **_card(release, event.movie_id),
            "at": event.at.isoformat(),
            "kind": event.kind,
            "since": True,
        }
        for event in events
        if event.kind != "impression" and cards.item(event.movie_id) >= 0
    ]


def _card(release: LoadedRelease, movie: str) -> dict[str, Any]:
    """A movie; one that this release does not know by its id alone."""
    item = release.cards.item(movie)
    if item < 0:
        return {n.MOVIE_ID: movie, n.TITLE: f"Movie {movie}", n.GENRES: [], n.YEAR: None}
    return release.cards.cards[item]


def _answer(release: LoadedRelease, answer: Shown) -> dict[str, Any]:
    chances = orjson.loads(answer.propensities) if answer.propensities else None
    return {
        "answer_id": answer.request_id,
        "at": answer.shown_at.isoformat(),
        "release": answer.release,
        "kind": answer.kind,
        "experiment": answer.experiment or None,
        "arm": answer.arm or None,
        "items": [
            {
                "rank": rank,
                **_card(release, str(movie)),
                "propensity": chances[rank - 1] if chances else 1.0,
            }
            for rank, movie in enumerate(orjson.loads(answer.movies), 1)
        ],
    }
