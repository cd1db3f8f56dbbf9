"""Answers that say what is wrong: RFC 9457 problem details, each with the request's id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from recsys_pipeline.errors import (
    ModelError,
    RecsysError,
    ReleaseError,
    SettingsError,
    StorageError,
)

CONTENT_TYPE: Final = b"application/problem+json"
_LONGEST = 500
"""Characters of a text that goes out; what came in may be part of it."""
_FAULTS = 10
"""Faults of one request that are told."""

HeaderList = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem.

    Attributes:
        slug: names it for ever; its type is ``/problems/<slug>``.
        status: HTTP status.
        title: what is wrong, the same in every answer of this kind.
    """

    slug: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """URI reference of the kind."""
        return f"/problems/{self.slug}"


BAD_REQUEST = Kind("bad-request", 400, "The request cannot be read")
TOO_DEEP = Kind("nested-too-deep", 400, "The JSON is nested too deep")
UNAUTHENTICATED = Kind("unauthenticated", 401, "A valid API key is needed")
FORBIDDEN = Kind("forbidden", 403, "The API key does not allow this")
CROSS_SITE = Kind("cross-site", 403, "Pages of this web site may not ask this")
NOT_FOUND = Kind("not-found", 404, "There is nothing at this address")
WRONG_METHOD = Kind("wrong-method", 405, "This address has no such method")
TOO_SLOW = Kind("too-slow", 408, "The body did not arrive in time")
TOO_LARGE = Kind("too-large", 413, "The body is too large")
URL_TOO_LONG = Kind("url-too-long", 414, "The address is too long")
UNSUPPORTED = Kind("unsupported", 415, "The body is of a type that is not read here")
NOT_VALID = Kind("not-valid", 422, "A value is not valid")
TOO_MANY = Kind("too-many-requests", 429, "Too many requests")
HEADERS_TOO_LARGE = Kind("headers-too-large", 431, "The headers are too large")
UNEXPECTED = Kind("unexpected", 500, "Something went wrong here")
NO_RELEASE = Kind("no-release", 503, "No release can answer now")
NO_STORAGE = Kind("no-storage", 503, "The database cannot be reached now")

KINDS: Final = (
    BAD_REQUEST,
    TOO_DEEP,
    UNAUTHENTICATED,
    FORBIDDEN,
    CROSS_SITE,
    NOT_FOUND,
    WRONG_METHOD,
    TOO_SLOW,
    TOO_LARGE,
    URL_TOO_LONG,
    UNSUPPORTED,
    NOT_VALID,
    TOO_MANY,
    HEADERS_TOO_LARGE,
    UNEXPECTED,
    NO_RELEASE,
    NO_STORAGE,
)
"""Every kind that any address may answer with; addresses have kinds of their own besides."""

_BY_STATUS: Final = {
    kind.status: kind for kind in reversed(KINDS) if kind not in (TOO_DEEP, CROSS_SITE, NO_STORAGE)
}


class Problem(Exception):  # noqa: N818 - it is what RFC 9457 calls it
    """Raised to answer with a problem.

    Args:
        kind: of the problem.
        detail: what is wrong this time, and what to do; cut after 500 characters.
        extra: further members, JSON values under names that RFC 9457 does not use.
        headers: of the answer, such as Retry-After.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str = "",
        extra: Mapping[str, Any] | None = None,
        headers: HeaderList = (),
    ) -> None:
        super().__init__(detail or kind.title)
        self.kind = kind
        self.detail = detail
        self.extra = dict(extra or {})
        self.headers = tuple(headers)


def problem_bytes(problem: Problem, request_id: str) -> bytes:
    """The body of an answer: JSON with type, title, status, detail, request_id and the extras."""
    kind = problem.kind
    body: dict[str, Any] = {"type": kind.type, "title": kind.title, "status": kind.status}
    if problem.detail:
        body["detail"] = _plain(problem.detail, _LONGEST)
    body["request_id"] = request_id
    return orjson.dumps({**problem.extra, **body})


def to_problem(error: RecsysError) -> Problem:
    """What an error of this package is to whoever asked.

    Only a value that is not valid is told in the error's own words: the others name files, tables
    and addresses of this installation.
    """
    if isinstance(error, SettingsError):
        return Problem(NOT_VALID, f"{error.message} {error.hint}".strip())
    again = ((b"retry-after", b"5"),)
    if isinstance(error, ReleaseError | ModelError):
        return Problem(NO_RELEASE, "Try again in some seconds.", headers=again)
    if isinstance(error, StorageError):
        return Problem(NO_STORAGE, "Nothing was stored. Try again in some seconds.", headers=again)
    return Problem(UNEXPECTED)


def of_status(status: int, headers: HeaderList = ()) -> Problem:
    """The problem that a bare HTTP status (400 or above) stands for."""
    return Problem(_BY_STATUS.get(status) or _unnamed(status), headers=headers)


def invalid(faults: Sequence[Mapping[str, Any]]) -> Problem:
    """The problem of a request that breaks its schema; what was sent is not repeated.

    Args:
        faults: as pydantic's and FastAPI's ``errors()`` give them.
    """
    told = [
        {
            "where": _plain(".".join(_plain(str(part), 60) for part in fault["loc"]), 200),
            "message": _plain(str(fault["msg"]), 200),
        }
        for fault in faults[:_FAULTS]
    ]
    first = f"{told[0]['where']}: {told[0]['message']}" if told else ""
    return Problem(NOT_VALID, first, {"errors": told, "errors_in_all": len(faults)})


def _unnamed(status: int) -> Kind:
    return Kind(f"status-{status}", status, "The request was refused")


def _plain(text: str, longest: int) -> str:
    """`text` cut to `longest` characters, with "?" for what has no UTF-8."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return cut.encode("utf-8", "replace").decode("utf-8")
