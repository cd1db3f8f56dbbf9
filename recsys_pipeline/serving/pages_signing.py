"""Signing in to the page: a key in a cookie that scripts and other sites cannot use."""

import re
from typing import Final

from fastapi import APIRouter, Request, Response

from recsys_pipeline.serving.gate_rules import KEY_COOKIE
from recsys_pipeline.serving.pages_forms import posted
from recsys_pipeline.serving.pages_look import page, to

router: Final = APIRouter(include_in_schema=False)

SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"

_KEY: Final = re.compile(r"rk_[A-Za-z0-9]{1,40}_[A-Za-z0-9_-]{20,100}")
_LOCAL: Final = re.compile(r"/(?![/\\])[\x21-\x7e]*")


@router.get(SIGN_IN)
async def sign_in(request: Request) -> Response:
    """Ask for a key."""
    return page(request, "sign_in.html", {"next": "/", "wrong": False})


@router.post(SIGN_IN)
async def signed_in(request: Request) -> Response:
    """Keep the key in a cookie; whether it is valid, the gate says at the next page."""
    sent = await posted(request)
    key, wanted = sent.get("key", "").strip(), sent.get("next", "/")
    local = wanted if _LOCAL.fullmatch(wanted) else "/"
    if not _KEY.fullmatch(key):
        return page(request, "sign_in.html", {"next": local, "wrong": True}, 422)
    answer = to(request, local)
    answer.set_cookie(
        KEY_COOKIE,
        key,
        path=request.scope.get("root_path", "") or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post(SIGN_OUT)
async def signed_out(request: Request) -> Response:
    """Forget the key."""
    await posted(request)
    answer = to(request, "/")
    answer.delete_cookie(
        KEY_COOKIE,
        path=request.scope.get("root_path", "") or "/",
        httponly=True,
        samesite="strict",
    )
    return answer
