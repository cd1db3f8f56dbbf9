"""Problems as pages, for browsers; whoever else asks gets problem details."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from recsys_pipeline.serving.gate_reply import ErrorPage
from recsys_pipeline.serving.gate_rules import KEY_COOKIE, is_page, path_inside
from recsys_pipeline.serving.pages_look import LANGUAGE_COOKIE, around, rendered
from recsys_pipeline.serving.problems import UNAUTHENTICATED, Problem
from recsys_pipeline.serving.service import Service
from recsys_pipeline.serving.texts import WORDS, keys, language_of

_OWN: Final = keys()


def error_pages(service: Service) -> ErrorPage:
    """What makes a page of a problem: None where whoever asks wants no page.

    Args:
        service: the parts of the server.
    """

    def made(scope: Mapping[str, Any], problem: Problem, request_id: str) -> bytes | None:
        headers = dict(scope["headers"])
        path = path_inside(scope)
        if b"text/html" not in headers.get(b"accept", b"") or not is_page(path):
            return None
        cookies = _cookies(headers.get(b"cookie", b""))
        accepted = headers.get(b"accept-language", b"").decode("latin-1")
        words = WORDS[language_of(cookies.get(LANGUAGE_COOKIE), accepted)]
        values = {**around(service, scope, words), "languages": [], "signed_in": False}
        if problem.kind == UNAUTHENTICATED:
            wanted = quote(path, safe="/~") if scope["method"] == "GET" else "/"
            query = scope["query_string"].decode("latin-1")
            values |= {
                "next": f"{wanted}?{query}" if query and scope["method"] == "GET" else wanted,
                "wrong": KEY_COOKIE in cookies,
            }
            return rendered("sign_in.html", values).encode()
        slug = problem.kind.slug
        values |= {
            "slug": slug,
            "title": words(slug) if slug in _OWN else problem.kind.title,
            "detail": problem.detail,
            "request_id": request_id,
        }
        return rendered("error.html", values).encode()

    return made


def _cookies(header: bytes) -> dict[str, str]:
    """The cookies of a header by name."""
    pairs = (part.partition("=") for part in header.decode("latin-1").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}
