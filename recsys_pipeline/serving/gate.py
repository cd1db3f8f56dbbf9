"""The one gate before the API: who asks, how much, how large; and an account of each answer."""

import re
import secrets
from collections.abc import Awaitable, Callable, Collection, MutableMapping, Sequence
from time import perf_counter
from typing import Any, Final

from starlette.requests import ClientDisconnect

from recsys_pipeline.errors import RecsysError, StorageError
from recsys_pipeline.pipeline.serving_config import LimitsConfig
from recsys_pipeline.serving.access_log import AccessLog
from recsys_pipeline.serving.gate_body import CLOSING, GoneError, Receive, read_body, replay
from recsys_pipeline.serving.gate_reply import GONE, ErrorPage, Message, Reply, Send
from recsys_pipeline.serving.gate_rules import (
    KEY_COOKIE,
    READING,
    Headers,
    ScopeRule,
    check_keyless,
    is_page,
    key_in_cookie,
    path_inside,
    same_origin,
    scope_needed,
)
from recsys_pipeline.serving.keyring import Caller, Keyring
from recsys_pipeline.serving.limiting import Limiter, caller_of
from recsys_pipeline.serving.metrics import UNMATCHED, Metrics
from recsys_pipeline.serving.problems import (
    CROSS_SITE,
    FORBIDDEN,
    HEADERS_TOO_LARGE,
    TOO_MANY,
    UNAUTHENTICATED,
    UNEXPECTED,
    URL_TOO_LONG,
    Problem,
    to_problem,
)

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Counted = Callable[[float, str, int, float], None]

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9-]{8,64}")
_HEADER_BYTES: Final = 16_384
_URL_BYTES: Final = 8_192
_COUNTER = 0xFFFFFF
_ALL: Final = frozenset(("read", "write"))
_CHALLENGE: Final = ((b"www-authenticate", b'Bearer realm="recsys"'),)
_EXPOSED: Final = b"x-request-id, ratelimit, ratelimit-policy, retry-after"
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type, x-api-key, x-request-id"),
    (b"access-control-max-age", b"600"),
    (b"content-length", b"0"),
)


class RequestIds:
    """Ids that ascend with time and that no two workers share.

    Args:
        process: 8 hexadecimal digits that no other process has.
    """

    def __init__(self, process: str | None = None) -> None:
        self._process = process or secrets.token_hex(4)
        self._count = 0

    def make(self, now: float) -> str:
        """An id: milliseconds, process and count, as hexadecimal digits.

        Args:
            now: seconds since 1970.
        """
        self._count = (self._count + 1) & _COUNTER
        return f"{int(now * 1000):012x}-{self._process}-{self._count:06x}"


class Gate:
    """An ASGI app around the app: nothing passes that it has not looked at.

    Into ``scope["state"]`` it puts what the app may use: ``request_id`` (the caller's own
    x-request-id if it is sane, else made here), ``answer_id`` (always made here: unique, what is
    shown is recorded under it), ``key_id`` ("" without a key), ``scopes`` (a frozenset) and
    ``started`` (`perf_counter`). From there it takes what the app says of its answer, for log and
    metrics: ``route`` (the template, where the router does not leave it in ``scope["route"]``),
    ``kind``, ``release`` and ``person`` (a pseudonym, never an id).

    Errors of this package, `Problem`s and whatever else the app raises become problem details
    with the request's id; what nobody foresaw is logged by its class and its way through the code.

    A page takes the key of somebody who signed in from a cookie; what changes something must then
    come from a page of this server.

    Args:
        app: what answers.
        keyring: the keys.
        keys_required: whether a key is needed; without, everything but administering is open to
            who calls this machine by a name of its own, and that is for callers on this machine.
        limiter: counts requests by key, or by address.
        metrics, log: where each request is accounted for.
        limits: sizes.
        cors_origins: web sites whose pages may call.
        open_paths: that need no key: paths, or beginnings of them that end in a slash.
        probes: paths that need no key either and are not counted by the limiter.
        clock: seconds since 1970, UTC.
        scope_of: the scope that a method on a path needs.
        ids: makes request ids.
        pages: makes a page of a problem for a browser; None makes none.
        counted: is told of each answer: when it was asked for (seconds since 1970), the template
            of its path, its status, and the seconds that it took.
    """

    def __init__(
        self,
        app: App,
        *,
        keyring: Keyring,
        keys_required: bool,
        limiter: Limiter,
        metrics: Metrics,
        log: AccessLog,
        limits: LimitsConfig,
        clock: Callable[[], float],
        cors_origins: Sequence[str] = (),
        open_paths: Collection[str] = (),
        probes: Collection[str] = (),
        scope_of: ScopeRule = scope_needed,
        ids: RequestIds | None = None,
        pages: ErrorPage | None = None,
        counted: Counted | None = None,
    ) -> None:
        self._app = app
        self._keyring = keyring
        self._required = keys_required
        self._limiter = limiter
        self._policy = (b"ratelimit-policy", limiter.policy.encode())
        self._metrics = metrics
        self._log = log
        self._body_bytes = limits.body_bytes
        self._clock = clock
        self._origins = frozenset(origin.rstrip("/").encode() for origin in cors_origins)
        self._open = frozenset(open_paths)
        self._open_below = tuple(path for path in open_paths if path.endswith("/") and path != "/")
        self._probes = frozenset(probes)
        self._scope_of = scope_of
        self._ids = ids or RequestIds()
        self._pages = pages
        self._counted = counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        started, now = perf_counter(), self._clock()
        answer_id = self._ids.make(now)
        headers: Headers = dict(scope["headers"])
        given = headers.get(b"x-request-id")
        sane = given is not None and _SANE_ID.fullmatch(given)
        request_id = given.decode("ascii") if given is not None and sane else answer_id
        state: dict[str, Any] = scope.setdefault("state", {})
        state.update(
            request_id=request_id, answer_id=answer_id, started=started, key_id="", scopes=_ALL
        )
        reply = Reply(send, request_id, scope["scheme"] == "https", scope, self._pages)
        self._metrics.begin()
        try:
            await self._pass(scope, headers, receive, reply)
        except Problem as problem:
            await reply.problem(problem)
        except RecsysError as error:
            if isinstance(error, StorageError):
                self._metrics.database_error("request")
            await self._fail(reply, scope, to_problem(error), error)
        except (ClientDisconnect, GoneError):
            reply.status = GONE
        except Exception as error:  # noqa: BLE001 - told in the log and as a problem, never in full
            await self._fail(reply, scope, Problem(UNEXPECTED), error)
        finally:
            self._account(scope, reply, started, now)

    async def _pass(self, scope: Scope, headers: Headers, receive: Receive, reply: Reply) -> None:
        """Let the request through to the app, or raise why not."""
        if self._origins:
            reply.headers.append((b"vary", b"origin"))
        origin = headers.get(b"origin")
        if origin is not None:
            if origin in self._origins:
                reply.headers.append((b"access-control-allow-origin", origin))
                reply.headers.append((b"access-control-expose-headers", _EXPOSED))
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                await self._preflight(origin, reply)
                return
        self._admit(scope, headers, reply)
        announced = headers.get(b"content-length")
        if announced is not None or b"transfer-encoding" in headers:
            body = await read_body(receive, self._body_bytes, announced, b"expect" in headers)
            receive = replay(body, receive)
        await self._app(scope, receive, reply.send)
        await reply.finish()

    def _admit(self, scope: Scope, headers: Headers, reply: Reply) -> None:
        raw = scope["headers"]
        if sum([len(name) + len(value) for name, value in raw]) > _HEADER_BYTES:
            raise Problem(HEADERS_TOO_LARGE, headers=CLOSING)
        path = path_inside(scope)
        if len(path) + len(scope["query_string"]) > _URL_BYTES:
            raise Problem(URL_TOO_LONG)
        if path in self._probes:
            return
        state = scope["state"]
        opened = path in self._open or path.startswith(self._open_below)
        secret, signed_in = _secret(headers), False
        if not secret and b"cookie" in headers and not opened:
            secret, signed_in = _signed_in(scope["method"], path, headers)
        caller = self._keyring.find(secret) if secret else None
        if caller is not None:
            state["key_id"], state["scopes"] = caller.key_id, caller.scopes
        if self._limiter.per_minute:
            self._count(scope, caller, state["started"], reply)
        if caller is None and secret:
            forget = (_forgotten(scope),) if signed_in else ()
            raise Problem(
                UNAUTHENTICATED,
                "The key is wrong, revoked or expired.",
                headers=(*_CHALLENGE, *forget),
            )
        if opened:
            return
        needed = self._scope_of(scope["method"], path)
        if caller is not None:
            if needed not in caller.scopes:
                raise Problem(FORBIDDEN, f"This needs a key with scope {needed}.")
        elif self._required:
            raise Problem(
                UNAUTHENTICATED,
                "Send a key as Authorization: Bearer rk_… or X-API-Key.",
                headers=_CHALLENGE,
            )
        else:
            check_keyless(scope, headers, needed, self._origins)

    def _count(self, scope: Scope, caller: Caller | None, at: float, reply: Reply) -> None:
        """Count the request of that key, or of that address: of wrong keys too."""
        if caller is not None:
            who = caller.key_id
        else:
            client = scope.get("client")
            who = caller_of(client[0]) if client else ""
        verdict = self._limiter.take(who, at)
        told = b'"minute";r=%d;t=%d' % (verdict.remaining, verdict.seconds)
        reply.headers += ((b"ratelimit", told), self._policy)
        if not verdict.allowed:
            wait = verdict.seconds
            raise Problem(
                TOO_MANY,
                f"{self._limiter.per_minute} a minute are allowed. Try again in {wait} s.",
                headers=((b"retry-after", b"%d" % wait),),
            )

    async def _preflight(self, origin: bytes, reply: Reply) -> None:
        """Answer a browser that asks whether a page may ask."""
        allowed = origin in self._origins
        message: Message = {
            "type": "http.response.start",
            "status": 204 if allowed else 403,
            "headers": list(_PREFLIGHT) if allowed else [],
        }
        await reply.send(message)
        await reply.send({"type": "http.response.body", "body": b""})
        await reply.finish()

    async def _fail(
        self, reply: Reply, scope: Scope, problem: Problem, error: BaseException
    ) -> None:
        if problem.kind.status >= 500:
            request_id = scope["state"]["request_id"]
            self._log.fault(self._clock(), request_id, _route(scope), error)
        await reply.problem(problem)

    def _account(self, scope: Scope, reply: Reply, started: float, now: float) -> None:
        seconds = perf_counter() - started
        state = scope["state"]
        route, method, status = _route(scope), scope["method"], reply.status or GONE
        self._metrics.end(method, route, status, seconds)
        if self._counted is not None:
            self._counted(now, route, status, seconds)
        fields = {
            "request_id": state["request_id"],
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 2),
            "bytes": reply.size,
            "key": state["key_id"],
        }
        for name in ("release", "kind", "person"):
            if name in state:
                fields[name] = state[name]
        self._log.request(now, fields)


def _secret(headers: Headers) -> bytes:
    """The key that was sent, or nothing."""
    given = headers.get(b"authorization")
    if given is not None:
        scheme, _, secret = given.partition(b" ")
        if scheme.lower() == b"bearer":
            return secret.strip()
    return headers.get(b"x-api-key", b"")


def _signed_in(method: str, path: str, headers: Headers) -> tuple[bytes, bool]:
    """The key of somebody who signed in to the page, and whether there is one.

    Raises:
        Problem: something is to be changed, and no page of this server asks for it.
    """
    secret = key_in_cookie(headers) if is_page(path) else b""
    if secret and method not in READING and not same_origin(headers):
        raise Problem(CROSS_SITE)
    return secret, bool(secret)


def _forgotten(scope: Scope) -> tuple[bytes, bytes]:
    """The header that makes a browser forget the key of who signed in."""
    path = scope.get("root_path") or "/"
    cookie = f"{KEY_COOKIE}=; Max-Age=0; Path={path}; HttpOnly; SameSite=Strict"
    return b"set-cookie", cookie.encode("latin-1")


def _route(scope: Scope) -> str:
    """The template of the path that the router chose."""
    told = scope["state"].get("route")
    if told is None:
        told = getattr(scope.get("route"), "path_format", None)
    return told or UNMATCHED
