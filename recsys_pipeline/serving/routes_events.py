"""Routes that take in what people do."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import orjson
from fastapi import APIRouter, Request, Response

from recsys_pipeline.pipeline.online import Event
from recsys_pipeline.serving.problems import NOT_VALID, Problem
from recsys_pipeline.serving.schemas import AHEAD, EventSent, EventsSent, Stored
from recsys_pipeline.serving.service import Service, json_response, service_of, told

router: Final = APIRouter(tags=["events"])


@router.post("/v1/events", response_model=Stored, responses=told(), summary="Take in an event")
async def one(request: Request, event: EventSent) -> Response:
    """Acknowledged once it is on the disk. Repeat it with the same `event_id` if no answer came."""
    return json_response(orjson.dumps(await taken_in(service_of(request), (event,))))


@router.post(
    "/v1/events/batch",
    response_model=Stored,
    responses=told(),
    summary="Take in several events",
)
async def several(request: Request, batch: EventsSent) -> Response:
    """All of them are stored, or none: a fault names the event by its place, from 0.

    Events of people who were erased are left out, and counted as `refused`.
    """
    service = service_of(request)
    most = service.config.limits.batch
    if len(batch.events) > most:
        raise Problem(NOT_VALID, f"{len(batch.events):,} events: at most {most:,} go in a request.")
    return json_response(orjson.dumps(await taken_in(service, batch.events)))


async def taken_in(service: Service, sent: Sequence[EventSent]) -> dict[str, Any]:
    """Store events; what became of them, see `Stored`, once they are on the disk.

    Those of people who were erased are left out, and only counted.

    Raises:
        Problem: one lies in the future.
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
    kept = [event for event in events if not service.people.erased(event.user_id)]
    # The store knows best: somebody may have been erased a moment ago, by another process.
    taken = await asyncio.wrap_future(service.writer.submit_events(kept))
    first = {event.event_id: event for event in reversed(kept)}
    _noticed(service, [first[each] for each in taken.new])
    refused = len(events) - len(kept) + taken.refused
    return {
        "stored": len(taken.new),
        "repeated": len(events) - len(taken.new) - refused,
        "refused": refused,
        "event_ids": [event.event_id for event in events],
    }


def _noticed(service: Service, new: Sequence[Event]) -> None:
    """The next list knows of it; a click counts for the release that was clicked on."""
    service.since.note(new)
    for event in new:
        service.metrics.events(event.kind)
        if event.kind == "click":
            service.desk.clicked(event)
