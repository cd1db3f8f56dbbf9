"""Who may ask what: the scope that an address needs, this machine itself, and pages of ours."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from recsys_pipeline.pipeline.online import Scope
from recsys_pipeline.serving.keyring import is_loopback
from recsys_pipeline.serving.problems import CROSS_SITE, FORBIDDEN, Problem

Headers = Mapping[bytes, bytes]
ScopeRule = Callable[[str, str], Scope]

READING: Final = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods that change nothing."""
KEY_COOKIE: Final = "recsys_key"
"""Cookie with the key of somebody who signed in to the page; the API takes no notice of it."""
METRICS: Final = "/metrics"

_PROXY: Final = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")


def scope_needed(method: str, path: str) -> Scope:
    """The scope for a method on a path.

    ``read`` is for lists, also where they are asked for by POST, and for movies; ``write`` for
    events; ``admin`` for everything that tells what is known of people (histories, what they were
    shown, exports) or changes what is in service, and for what is not known. A page that shows a
    list needs ``read``, and leaves out what is known of people for who may not administer.
    """
    if path == "/v1/admin" or path.startswith(("/v1/admin/", "/v1/shown")):
        return "admin"
    if path.startswith("/v1/users/"):
        # Ids may have slashes in them: the last part alone says what is asked for.
        return "read" if method in READING and path.endswith("/recommendations") else "admin"
    if path == "/v1/events" or path.startswith("/v1/events/"):
        return "write" if method == "POST" else "admin"
    if method in READING:
        return "read"
    if method == "POST" and path == "/feedback":
        return "write"
    if method == "POST" and path.startswith("/v1/"):
        return "read" if "recommendations" in path else "write"
    return "admin"


def is_page(path: str) -> bool:
    """Whether an address is one for people, and not the API's."""
    return path not in ("/v1", METRICS) and not path.startswith(("/v1/", "/problems/", "/static/"))


def key_in_cookie(headers: Headers) -> bytes:
    """The key of somebody who signed in to the page, or nothing."""
    for part in headers.get(b"cookie", b"").split(b";"):
        name, _, value = part.partition(b"=")
        if name.strip() == KEY_COOKIE.encode():
            return value.strip()
    return b""


def same_origin(headers: Headers) -> bool:
    """Whether a browser says that it is a page of this very server that asks."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    origin = headers.get(b"origin")
    return origin is not None and origin.partition(b"//")[2] == headers.get(b"host", b"")


def may_administer(scope: Mapping[str, Any]) -> bool:
    """Whether who asks, and was let in, may move releases and see what is known of people."""
    state = scope["state"]
    if state["key_id"] or "admin" in state["scopes"]:
        return "admin" in state["scopes"]
    try:
        check_keyless({**scope, "method": "GET"}, dict(scope["headers"]), "admin", ())
    except Problem:
        return False
    return True


def path_inside(scope: Mapping[str, Any]) -> str:
    """The path as routes see it: without the prefix under which the server is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        return path[len(root) :]
    return path


def check_keyless(
    scope: Mapping[str, Any], headers: Headers, needed: Scope, origins: Collection[bytes]
) -> None:
    """Refuse what a caller without a key may not do where keys are not asked for.

    That is on an address of this machine alone, so the caller must call it by such an address: a
    web page that found its way here by a name of its own (DNS rebinding) sees nothing but metrics,
    which name nobody. Administering needs somebody on this machine, not a proxy's guest. A page of
    another site may change nothing.

    Raises:
        Problem: it is refused.
    """
    host = headers.get(b"host", b"").decode("latin-1")
    if path_inside(scope) != METRICS and not is_loopback(_without_port(host)):
        raise Problem(
            FORBIDDEN,
            "Without a key this server is asked as 127.0.0.1 or localhost: send a key.",
        )
    if needed == "admin":
        client = scope.get("client")
        near = client is not None and is_loopback(client[0])
        if not near or any(name in headers for name in _PROXY):
            raise Problem(
                FORBIDDEN,
                "Without a key this is for this machine only: send a key with scope admin.",
            )
    if scope["method"] in READING and needed != "admin":
        return
    origin = headers.get(b"origin")
    if origin is None or origin in origins:
        return
    if origin.partition(b"//")[2] != host.encode("latin-1"):
        raise Problem(CROSS_SITE)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0][1:]
    return host.partition(":")[0]
