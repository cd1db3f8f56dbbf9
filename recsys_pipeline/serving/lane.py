"""Lane: the commonest question, a user's stored list, answered before the router is asked."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from recsys_pipeline.serving.desk import Desk
from recsys_pipeline.serving.queries import ListQuery, parsed

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

ROUTE: Final = "/v1/users/{user_id}/recommendations"
"""Template of the address that is answered here where it can be."""

_BEFORE, _AFTER = ROUTE.split("{user_id}")
_JSON: Final = (b"content-type", b"application/json")


class Lane:
    """An ASGI app around the app. What it does not answer, the app's own route does, equally.

    Finding a route and making objects of a request cost more than twice as much as the answer.

    Args:
        app: what answers the rest.
        desk: answers lists.
    """

    def __init__(self, app: App, desk: Desk) -> None:
        self._app, self._desk = app, desk

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a stored list, or hand the request on."""
        path: str = scope.get("path", "")
        if (
            path.startswith(_BEFORE)
            and path.endswith(_AFTER)
            and scope["type"] == "http"
            and scope["method"] == "GET"
        ):
            user_id = path[len(_BEFORE) : -len(_AFTER)]
            if user_id:
                state = scope["state"]
                state["route"] = ROUTE
                query = parsed(ListQuery, scope["query_string"])
                body = self._desk.at_once(user_id, query.k, state) if query.plain else None
                if body is not None:
                    headers = [_JSON, (b"content-length", b"%d" % len(body))]
                    start = {"type": "http.response.start", "status": 200, "headers": headers}
                    await send(start)
                    await send({"type": "http.response.body", "body": body})
                    return
        await self._app(scope, receive, send)
