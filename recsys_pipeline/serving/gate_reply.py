"""What the gate does to an answer on its way out: headers, size, and errors made problems."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from recsys_pipeline.serving.problems import (
    CONTENT_TYPE,
    HeaderList,
    Problem,
    of_status,
    problem_bytes,
)

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
ErrorPage = Callable[[Mapping[str, Any], Problem, str], bytes | None]
"""Makes a page of a problem for whoever asks with that scope; None if that is no browser."""

GONE: Final = 499
"""Status in logs and metrics of a request whose caller hung up (as nginx counts them)."""

_ALWAYS: Final = (b"x-content-type-options", b"nosniff")
_REFERRER: Final = (b"referrer-policy", b"no-referrer")
_REFERRER_PAGE: Final = (b"referrer-policy", b"same-origin")
"""With none at all, browsers would not say that a form comes from a page of this server."""
_PAGE: Final = b"text/html; charset=utf-8"
_HTTPS: Final = (b"strict-transport-security", b"max-age=31536000")
_NO_STORE: Final = (b"cache-control", b"no-store")
_CSP: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_CSP_PAGE: Final = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    b"frame-ancestors 'none'",
)
_KEPT: Final = frozenset((b"allow", b"retry-after", b"www-authenticate"))
"""Headers of a bare error that its problem keeps."""


class Reply:
    """One answer under way; `send` is what the app gets in place of the server's.

    An error (400 or above) that the app sends without saying more than its status is held back:
    `finish` sends a problem instead. Pages in HTML are let through.

    Attributes:
        status: of the answer, 0 before it started.
        size: bytes of its body so far.
        headers: added to it, besides those that every answer has.
    """

    __slots__ = (
        "_held", "_https", "_pages", "_request_id", "_scope", "_send", "headers", "size", "status",
    )  # fmt: skip

    def __init__(
        self,
        send: Send,
        request_id: str,
        https: bool,
        scope: Mapping[str, Any],
        pages: ErrorPage | None,
    ) -> None:
        self._send = send
        self._scope = scope
        self._pages = pages
        self._request_id = request_id
        self._https = https
        self._held: Problem | None = None
        self.status = 0
        self.size = 0
        self.headers: list[tuple[bytes, bytes]] = [(b"x-request-id", request_id.encode("ascii"))]

    async def send(self, message: Message) -> None:
        """Send what the app sends, with headers."""
        kind = message["type"]
        if kind == "http.response.body":
            if self._held is None:
                self.size += len(message.get("body", b""))
                await self._send(message)
        elif kind == "http.response.start":
            headers = message.get("headers", ())
            status: int = message["status"]
            names = dict(headers)
            if status >= 400 and not _says_more(names.get(b"content-type", b"")):
                kept = [(name, value) for name, value in headers if name in _KEPT]
                self._held = of_status(status, kept)
                return
            self.status = status
            await self._send({**message, "headers": [*headers, *self._added(names)]})
        elif self._held is None:
            await self._send(message)

    async def finish(self) -> None:
        """Send the problem of an error that was held back."""
        if self._held is not None:
            await self.problem(self._held)

    async def problem(self, problem: Problem) -> None:
        """Answer with a problem, unless an answer has started."""
        if self.status:
            return
        self._held = None
        page = None if self._pages is None else self._pages(self._scope, problem, self._request_id)
        body = problem_bytes(problem, self._request_id) if page is None else page
        self.status = problem.kind.status
        self.size = len(body)
        headers = [
            (b"content-type", CONTENT_TYPE if page is None else _PAGE),
            (b"content-length", b"%d" % len(body)),
            *problem.headers,
        ]
        headers += self._added(dict(headers))
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def _added(self, there: dict[bytes, bytes]) -> HeaderList:
        added = self.headers
        page = there.get(b"content-type", b"").startswith(b"text/html")
        if b"content-security-policy" not in there:
            added.append(_CSP_PAGE if page else _CSP)
        if b"cache-control" not in there:
            added.append(_NO_STORE)
        if self._https:
            added.append(_HTTPS)
        added.append(_ALWAYS)
        added.append(_REFERRER_PAGE if page else _REFERRER)
        return added


def _says_more(content_type: bytes) -> bool:
    return content_type.startswith((CONTENT_TYPE, b"text/html"))
