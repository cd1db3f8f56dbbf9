"""What people fill in on pages: read leniently, and what cannot be used is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from pydantic import ValidationError

from recsys_pipeline.serving.gate_rules import same_origin
from recsys_pipeline.serving.problems import BAD_REQUEST, CROSS_SITE, UNSUPPORTED, Problem
from recsys_pipeline.serving.queries import ListQuery, QuestionnaireQuery
from recsys_pipeline.serving.release import LoadedRelease
from recsys_pipeline.serving.texts import Language
from recsys_pipeline.serving.values import ADDRESS

FORM: Final = "application/x-www-form-urlencoded"
LIST_FIELDS: Final = ("diversity", "genre", "year_from", "year_to", "fresh")
ANSWER_FIELDS: Final = ("likes", "genres", "age_band")

_MOST_FIELDS: Final = 200

_Q = TypeVar("_Q", bound=ListQuery)


@dataclass(frozen=True)
class Filled:
    """What a form says.

    Attributes:
        query: what to ask the desk.
        faults: fields whose values cannot be used; they are left out of `query`.
        values: what to show in the fields again.
    """

    query: ListQuery | QuestionnaireQuery
    faults: tuple[str, ...]
    values: Mapping[str, Any]

    @property
    def pairs(self) -> str:
        """The fields that were used, as a query string."""
        return urlencode([(name, value) for name, value in self.values.items() if value])


async def posted(request: Request) -> dict[str, str]:
    """The fields of a form that a page of this server sent.

    Raises:
        Problem: it comes from elsewhere, or is no form.
    """
    headers = dict(request.scope["headers"])
    if not same_origin(headers):
        raise Problem(CROSS_SITE)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Problem(UNSUPPORTED)
    try:
        text = (await request.body()).decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise Problem(BAD_REQUEST) from error


def asked_of_list(params: Mapping[str, str], release: LoadedRelease, language: Language) -> Filled:
    """The adjustments of a user's list.

    The dial where the release has it asks for nothing: then the stored list is shown.
    """
    values = {name: params.get(name, "").strip() for name in LIST_FIELDS}
    found, faults = _usable(ListQuery, values)
    genre = found.get("genre")
    if genre is not None and release.cards.genre(genre) < 0:
        del found["genre"]
        faults.append("genre")
    if "genre" in found:
        found["genre"] = (found["genre"],)
    if found.get("diversity") is not None and _equal(
        found["diversity"], release.model.reranking.diversity
    ):
        del found["diversity"]
    given = {**found, **_language(release, language)}
    query = ListQuery.model_validate(given, context=ADDRESS)
    shown = {name: "" if name in faults else value for name, value in values.items()}
    return Filled(query, tuple(faults), shown)


def asked_by_answers(
    answers: Sequence[tuple[str, str]], release: LoadedRelease, language: Language
) -> Filled:
    """The answers of somebody new; movies that nobody knows are left for the desk to name."""
    given: dict[str, list[str]] = {name: [] for name in ANSWER_FIELDS}
    for name, value in answers:
        if name in given and value.strip():
            given[name].append(value.strip())
    genres = [each for each in given["genres"] if release.cards.genre(each) >= 0]
    band = given["age_band"][:1]
    faults = [] if len(genres) == len(given["genres"]) else ["genre"]
    asked: dict[str, Any] = {"likes": tuple(given["likes"]), "genres": tuple(genres)}
    if band:
        asked["age_band"] = band[0]
    query = _whole(QuestionnaireQuery, {**asked, **_language(release, language)}, faults)
    shown = {**given, "genres": genres, "age_band": query.age_band or ""}
    return Filled(query, tuple(faults), shown)


def _whole(model: type[QuestionnaireQuery], asked: dict[str, Any], faults: list[str]) -> Any:
    """The query without what breaks its schema, each named in `faults`."""
    while True:
        try:
            return model.model_validate(asked)
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            faults.append("age_band" if name == "age_band" else "field_answers")
            del asked[name]


def _usable(model: type[_Q], values: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The values that the model takes, one by one, and the names of the others."""
    found: dict[str, Any] = {}
    faults = []
    for name, value in values.items():
        if not value:
            continue
        whole = (value,) if name == "genre" else value
        try:
            model.model_validate({name: whole}, context=ADDRESS)
        except ValidationError:
            faults.append(name)
        else:
            found[name] = value
    return found, faults


def _equal(text: str, figure: float) -> bool:
    return abs(float(text) - figure) < 5e-3


def _language(release: LoadedRelease, language: Language) -> dict[str, Any]:
    """That of the release is asked for by naming none: stored lists have it."""
    return {} if language == release.learning.language else {"language": language}
