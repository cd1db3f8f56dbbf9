"""Queries: what may be asked of a list, in an address or a body."""

from functools import cached_property, lru_cache
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recsys_pipeline.serving.problems import Problem, invalid
from recsys_pipeline.serving.values import ADDRESS, Flag, Id, Integer, Moment, Number

Text = Annotated[str, Field(min_length=1, max_length=200)]

_MOST_FIELDS: Final = 1_200
_SHORT: Final = 200
"""Bytes of a query string that is kept once it was read."""


Language = Literal["en", "fr"] | None

_LANGUAGE: Any = Field(None, description="Of the reasons; without one, that of the release.")


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Filters(_Asked):
    """Which movies may be in a list; they are filtered before the best are cut off."""

    genre: tuple[Text, ...] = Field(
        (), max_length=50, description="Only movies with one of these genres.", examples=[["Drama"]]
    )
    not_genre: tuple[Text, ...] = Field(
        (), max_length=50, description="No movie with one of these genres."
    )
    year_from: Integer | None = Field(
        None, ge=0, le=9999, description="Only movies of this year on."
    )
    year_to: Integer | None = Field(None, ge=0, le=9999, description="Only movies up to this year.")
    available_at: Moment | None = Field(
        None,
        description="Only movies that may be shown at this moment (ISO 8601 with a time zone); "
        "without one, now.",
        examples=["2026-12-24T20:00:00Z"],
    )
    exclude: tuple[Id, ...] = Field(
        (), max_length=1_000, description="Ids of movies to leave out.", examples=[["12", "40"]]
    )

    @property
    def any(self) -> bool:
        """Whether a movie could be left out."""
        return self.model_dump(include=set(Filters.model_fields)) != _NO_FILTERS


class MadeQuery(Filters):
    """What a list that is made now may be asked for with."""

    k: Integer | None = Field(
        None, ge=1, le=1_000, description="Length; without one, that of the stored lists."
    )
    diversity: Number | None = Field(
        None,
        ge=0,
        le=1,
        description="How much variety of genres counts against relevance, 0 to 1; without one, as "
        "the release has it.",
    )
    language: Language = _LANGUAGE


class ListQuery(MadeQuery):
    """What a user's list may be asked for with."""

    fresh: Flag = Field(
        False, description="Make the list anew from the history as it is at this moment."
    )

    @cached_property
    def plain(self) -> bool:
        """Whether a stored list could be the answer."""
        return self == ListQuery(k=self.k)


class GroupQuery(Filters):
    """What a list for a group may be asked for with."""

    k: Integer | None = Field(None, ge=1, le=1_000, description="Length.")
    segment: Text | None = Field(None, description="Of this segment; without one, of everybody.")
    cluster: Integer | None = Field(None, ge=0, le=10_000, description="Of this cluster of users.")
    language: Language = _LANGUAGE


class SimilarQuery(Filters):
    """What similar movies may be asked for with."""

    k: Integer | None = Field(None, ge=1, le=1_000, description="Length.")
    language: Language = _LANGUAGE


class SessionQuery(MadeQuery):
    """An anonymous session: what somebody has watched or picked, nothing else."""

    movies: tuple[Id, ...] = Field(
        min_length=1,
        max_length=500,
        description="Ids of movies, the newest last.",
        examples=[["12", "40"]],
    )


class QuestionnaireQuery(MadeQuery):
    """What somebody new says of themselves."""

    likes: tuple[Id, ...] = Field(
        (), max_length=100, description="Movies that they like, by id or title; the newest last."
    )
    genres: tuple[Text, ...] = Field(
        (), max_length=50, description="Genres that they like.", examples=[["Drama", "Thriller"]]
    )
    age_band: Literal["under 18", "18-24", "25-34", "35-44", "45-54", "55-64", "65 and over"] | (
        None
    ) = Field(None, description="How old they are.")
    profile: dict[Text, str | float | bool | tuple[Text, ...]] = Field(
        {},
        max_length=50,
        description="Further columns of the users table.",
        examples=[{"segment": "adult"}],
    )


AGES: Final = {
    "under 18": 16.0,
    "18-24": 21.0,
    "25-34": 30.0,
    "35-44": 40.0,
    "45-54": 50.0,
    "55-64": 60.0,
    "65 and over": 70.0,
}
"""The age that each band stands for, in years."""

_NO_FILTERS: Final = Filters().model_dump()
_LISTS: Final = {
    name
    for model in (ListQuery, GroupQuery, SimilarQuery)
    for name, field in model.model_fields.items()
    if "tuple" in str(field.annotation)
}

Q = type[BaseModel]


def parsed(model: Q, query_string: bytes) -> Any:
    """The query of an address as an instance of `model`.

    Few different short ones are ever asked, so these are kept: reading one costs more than
    answering it.

    Raises:
        Problem: a field is unknown, occurs twice or has no valid value.
    """
    read = _kept if len(query_string) <= _SHORT else _read
    return read(model, query_string)


def _read(model: Q, query_string: bytes) -> Any:
    """See `parsed`."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query_string),
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise invalid([{"loc": ("query",), "msg": "Cannot be read", "type": "query"}]) from error
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in _LISTS:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise invalid([{"loc": ("query", name), "msg": "Given twice", "type": "repeated"}])
        else:
            values[name] = value
    try:
        return model.model_validate(values, context=ADDRESS)
    except ValidationError as error:
        raise _problem(error, "query") from error


_kept = lru_cache(maxsize=2_048)(_read)


def _problem(error: ValidationError, place: str) -> Problem:
    faults = [{**fault, "loc": (place, *fault["loc"])} for fault in error.errors()]
    return invalid(faults)


def parameters(model: Q) -> list[dict[str, Any]]:
    """The fields of `model` as OpenAPI parameters of an address."""
    schema = model.model_json_schema()
    found = []
    for name, field in schema["properties"].items():
        about = dict(field)
        description, examples = about.pop("description", ""), about.pop("examples", None)
        about.pop("title", None)
        if about.get("type") == "array":
            about.pop("default", None)
        entry: dict[str, Any] = {
            "name": name,
            "in": "query",
            "required": False,
            "description": description,
            "schema": about,
        }
        if examples:
            entry["example"] = examples[0]
        found.append(entry)
    return found
