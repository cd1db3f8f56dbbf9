"""Routes that answer with a list."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from recsys_pipeline.serving.addresses import MOVIE, USER
from recsys_pipeline.serving.queries import (
    GroupQuery,
    ListQuery,
    QuestionnaireQuery,
    SessionQuery,
    SimilarQuery,
    parameters,
    parsed,
)
from recsys_pipeline.serving.schemas import ListAnswer
from recsys_pipeline.serving.service import json_response, service_of, state_of, told
from recsys_pipeline.serving.values import UserId

router: Final = APIRouter(tags=["lists"])


def _asks(model: Any) -> dict[str, Any]:
    return {"parameters": parameters(model)}


@router.get(
    f"/v1/users/{USER}/recommendations",
    response_model=ListAnswer,
    responses=told(),
    openapi_extra=_asks(ListQuery),
    summary="A user's list",
)
async def for_user(request: Request, user_id: UserId) -> Response:
    """The list of a user: the stored one, or one that is made now.

    It is made now where it is asked for with filters, another length, a diversity or `fresh`, and
    where the user has dealt with one of its movies since. Nobody is unknown here: somebody of whom
    nothing is known gets a list for somebody new, and `kind` says `cold`.
    """
    query = parsed(ListQuery, request.scope["query_string"])
    return json_response(await service_of(request).desk.user(user_id, query, state_of(request)))


@router.post(
    "/v1/recommendations/session",
    response_model=ListAnswer,
    responses=told(),
    summary="A list for an anonymous session",
)
async def for_session(request: Request, query: SessionQuery) -> Response:
    """From the movies of a session alone; nothing is known of who asks, and nobody is named."""
    return json_response(await service_of(request).desk.session(query, state_of(request)))


@router.post(
    "/v1/recommendations/questionnaire",
    response_model=ListAnswer,
    responses=told(),
    summary="A list for somebody new",
)
async def for_answers(request: Request, query: QuestionnaireQuery) -> Response:
    """From what somebody new says: movies, genres, age, and further columns of the users table."""
    return json_response(await service_of(request).desk.questionnaire(query, state_of(request)))


@router.get(
    f"/v1/movies/{MOVIE}/similar",
    response_model=ListAnswer,
    responses=told(404),
    openapi_extra=_asks(SimilarQuery),
    summary="Movies like one movie",
)
async def similar(request: Request, movie_id: str) -> Response:
    """The movies most like one, to the recommender that is in service."""
    query = parsed(SimilarQuery, request.scope["query_string"])
    return json_response(await service_of(request).desk.similar(movie_id, query, state_of(request)))


@router.get(
    "/v1/popular",
    response_model=ListAnswer,
    responses=told(),
    openapi_extra=_asks(GroupQuery),
    summary="What is popular",
)
async def popular(request: Request) -> Response:
    """With everybody, in a segment, or in a cluster of similar users."""
    query = parsed(GroupQuery, request.scope["query_string"])
    return json_response(await service_of(request).desk.group(False, query, state_of(request)))


@router.get(
    "/v1/trending",
    response_model=ListAnswer,
    responses=told(),
    openapi_extra=_asks(GroupQuery),
    summary="What is trending",
)
async def trending(request: Request) -> Response:
    """What is liked more now than it used to be."""
    query = parsed(GroupQuery, request.scope["query_string"])
    return json_response(await service_of(request).desk.group(True, query, state_of(request)))
