"""How pages are made: templates, languages, and files for the browser."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from recsys_pipeline.serving.answers import STALE_SECONDS
from recsys_pipeline.serving.gate_rules import KEY_COOKIE, may_administer
from recsys_pipeline.serving.problems import NOT_FOUND, Problem
from recsys_pipeline.serving.release import LoadedRelease
from recsys_pipeline.serving.service import Service, service_of
from recsys_pipeline.serving.texts import LANGUAGES, WORDS, Language, Words, language_of

LANGUAGE_COOKIE: Final = "recsys_lang"
_YEAR_SECONDS: Final = 31_536_000

_TYPES: Final[Mapping[str, str]] = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The files for the browser and what they are; no other is handed out."""

router: Final = APIRouter(include_in_schema=False)


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """A file for the browser, which may keep it as long as its address names its content."""
    if name not in _TYPES:
        raise Problem(NOT_FOUND)
    body, digest = _file(name)
    named = request.query_params.get("v") == digest
    keep = f"public, max-age={_YEAR_SECONDS}, immutable" if named else "no-cache"
    return Response(body, media_type=_TYPES[name], headers={"cache-control": keep})


@lru_cache(maxsize=len(_TYPES))
def _file(name: str) -> tuple[bytes, str]:
    body = files("recsys_pipeline.serving").joinpath("static", name).read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:12]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("recsys_pipeline.serving"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["segment"] = lambda text: quote(str(text), safe="")
    return environment


def words_of(request: Request) -> Words:
    """The words of the language that the person chose, or that the browser asks for."""
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return WORDS[language_of(chosen, request.headers.get("accept-language", ""))]


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    status: int = 200,
    release: LoadedRelease | None = None,
) -> HTMLResponse:
    """A page, or a part of one.

    Args:
        template: name of its file.
        values: what it shows besides what every page has.
        status: of the answer.
        release: that everything on it comes from; without one, the one in service is named.
    """
    words = words_of(request)
    body = rendered(
        template,
        {
            **values,
            **around(service_of(request), request.scope, words, release),
            "languages": _languages(request, words.language),
            "signed_in": KEY_COOKIE in request.cookies,
        },
    )
    answer = HTMLResponse(body, status)
    answer.headers["content-language"] = words.language
    answer.headers["vary"] = "accept-language, cookie"
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE, words.language, max_age=_YEAR_SECONDS, samesite="lax", httponly=True
        )
    return answer


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """A template filled in."""
    return _templates().get_template(template).render(values)


def around(
    service: Service,
    scope: Mapping[str, Any],
    words: Words,
    release: LoadedRelease | None = None,
) -> dict[str, Any]:
    """What every page shows: words, where things are, and which release answers."""
    answering, about = release or service.keeper.served.current, None
    if answering is not None:
        manifest = answering.manifest
        age = max(0.0, service.clock() - answering.made_at)
        about = {
            "id": manifest.release,
            "recommender": manifest.recommender,
            "as_of": manifest.as_of,
            "age": age,
            "stale": age > STALE_SECONDS,
        }
    return {
        "t": words,
        "root": scope.get("root_path", ""),
        "static": {name: f"/static/{name}?v={_file(name)[1]}" for name in _TYPES},
        "release": about,
        "admin": may_administer(scope),
    }


def _languages(request: Request, current: Language) -> list[dict[str, Any]]:
    """Links to this page in each language."""
    kept = [pair for pair in request.query_params.multi_items() if pair[0] not in ("lang", "done")]
    path = quote(request.url.path)
    return [
        {
            "code": code,
            "name": name,
            "current": code == current,
            "link": f"{path}?{urlencode([*kept, ('lang', code)])}",
        }
        for code, name in LANGUAGES.items()
    ]


def to(request: Request, path: str, query: str = "", part: str = "") -> RedirectResponse:
    """Send the browser on to another page of this server.

    Args:
        path: with ids quoted.
        query: without the question mark.
        part: id of the element to go to.
    """
    where = request.scope.get("root_path", "") + path
    where += f"?{query}" if query else ""
    return RedirectResponse(where + (f"#{part}" if part else ""), 303)


def kept_query(text: str, names: frozenset[str]) -> list[tuple[str, str]]:
    """The pairs of a query string under known names; what cannot be read is left out."""
    try:
        pairs = parse_qsl(text, max_num_fields=50)
    except ValueError:
        return []
    return [(name, value) for name, value in pairs if name in names]
