"""Routes about single people, for those who administer: export, erasure, receipts."""

from asyncio import to_thread
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from recsys_pipeline.serving.addresses import USER
from recsys_pipeline.serving.service import json_response, service_of, told
from recsys_pipeline.serving.values import AnyUserId

router: Final = APIRouter(tags=["privacy"])


@router.post(f"/v1/admin/privacy/{USER}/erase", responses=told(409), summary="Erase a person")
async def erase(request: Request, user_id: AnyUserId) -> Response:
    """Remove a person from everything that is held; the receipt says what was removed where."""
    service = service_of(request)

    def remove() -> dict[str, Any]:
        service.writer.flush()
        return service.people.erase(user_id)

    receipt = await to_thread(remove)
    service.since.forget(user_id)
    await service.desk.forget(user_id)
    await to_thread(service.keeper.refresh)
    status = 200 if receipt.get("finished", True) else 202
    return json_response(orjson.dumps(receipt, default=str), status)


@router.get(f"/v1/admin/privacy/{USER}", responses=told(), summary="Export a person")
async def export(request: Request, user_id: AnyUserId) -> Response:
    """Everything that is held about a person, from every table, release and log."""
    service = service_of(request)

    def read() -> bytes:
        service.writer.flush()
        return orjson.dumps(service.people.export(user_id), default=str)

    return json_response(await to_thread(read))


@router.get("/v1/admin/receipts", responses=told(), summary="Receipts of erasures")
async def receipts(request: Request) -> Response:
    """Of all erasures, oldest first; none of them names anybody."""
    service = service_of(request)
    return json_response(
        await to_thread(lambda: orjson.dumps(service.people.receipts(), default=str))
    )
