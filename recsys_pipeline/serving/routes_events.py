"""Routes that take in what people do."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import orjson
from fastapi import APIRouter, Request, Response

from recsys_pipeline.pipeline.online import Event
from recsys_pipeline.serving.problems import NOT_VALID, Kind, Problem
from recsys_pipeline.serving.schemas import AHEAD, EventSent, EventsSent, Stored
from recsys_pipeline.serving.service import Service, json_response, service_of, told

router: Final = APIRouter(tags=["events"])

ERASED: Final = Kind("erased", 410, "This person was erased")


@router.post("/v1/events", response_model=Stored, responses=told(410), summary="Take in an event")
async def one(request: Request, event: EventSent) -> Response:
    """Acknowledged once it is on the disk. Repeat it with the same `event_id` if no answer came."""
    return json_response(orjson.dumps(await taken_in(service_of(request), (event,))))


@router.post(
    "/v1/events/batch",
    response_model=Stored,
    responses=told(410),
    summary="Take in several events",
)
async def several(request: Request, batch: EventsSent) -> Response:
    """All of them are stored, or none: a fault names the event by its place, from 0."""
    service = service_of(request)
    most = service.config.limits.batch
    if len(batch.events) > most:
        raise Problem(NOT_VALID, f"{len(batch.events):,} events: at most {most:,} go in a request.")
    return json_response(orjson.dumps(await taken_in(service, batch.events)))


async def taken_in(service: Service, sent: Sequence[EventSent]) -> dict[str, Any]:
    """Store events; what became of them, see `Stored`, once they are on the disk.

    Raises:
        Problem: one lies in the future, or is of a person who was erased.
        StorageError: they could not be stored.
    """
    now = service.clock()
    events = [each.event(uuid4().hex, now) for each in sent]
    for place, event in enumerate(events):
        if event.at > event.received_at + AHEAD:
            raise Problem(
                NOT_VALID,
                f"events[{place}].at lies in the future by more than "
                f"{AHEAD // timedelta(minutes=1)} minutes.",
            )
        if service.people.erased(event.user_id):
            raise Problem(ERASED, f"events[{place}]: nothing is taken in of this person.")
    stored = await asyncio.wrap_future(service.writer.submit_events(events))
    await _noticed(service, events)
    return {
        "stored": stored,
        "repeated": len(events) - stored,
        "event_ids": [event.event_id for event in events],
    }


async def _noticed(service: Service, events: Sequence[Event]) -> None:
    """The next list knows of it; a click counts for the release that was clicked on."""
    service.since.note(events)
    for event in events:
        service.metrics.events(event.kind)
        if event.kind == "click":
            service.keeper.clicked(event.release)
    for user in {event.user_id for event in events}:
        await service.desk.forget(user)
