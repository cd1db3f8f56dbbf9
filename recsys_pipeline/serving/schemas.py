"""Schemas of bodies: what comes in is checked by them, what goes out is documented by them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from recsys_pipeline.pipeline.online import Event, EventKind
from recsys_pipeline.serving.values import Integer, Moment, Number, PlainId

AHEAD: Final = timedelta(minutes=5)
"""How far clocks may differ: an event later than that is refused."""

Name = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9._:-]*$")]


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EventSent(_Sent):
    """Something that a user did with a movie."""

    event_id: Annotated[Name, Field(min_length=1)] | None = Field(
        None,
        description="Yours: the same one again is stored once. Without one it is made here, and "
        "a repetition counts twice.",
        examples=["4f1c9f0e-7a55-4c39-9a0e-0d3c1b1f2a11"],
    )
    user_id: PlainId = Field(examples=["42"])
    movie_id: PlainId = Field(examples=["1203"])
    kind: EventKind = Field(
        description="`not_for_me` and `useful` are about a recommendation; `impression` says that "
        "a movie was really on a screen."
    )
    at: Moment | None = Field(
        None,
        description="When, ISO 8601 with a time zone; without it, now.",
        examples=["2026-11-22T18:30:00Z"],
    )
    rating: Number | None = Field(None, ge=0.5, le=5, description="Of a rating.")
    watch_fraction: Number | None = Field(None, ge=0, le=1, description="Of a view.")
    answer_id: Name = Field("", description="Of the answer that showed the movie.")
    release: Name = Field("", description="Of that answer.")
    rank: Integer | None = Field(None, ge=1, le=1_000, description="Place in that answer.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.rating is not None) != (self.kind == "rating"):
            raise ValueError("rating goes with kind 'rating', and only with that")
        if self.watch_fraction is not None and self.kind != "view":
            raise ValueError("watch_fraction goes with kind 'view' only")
        return self

    def event(self, event_id: str, now: float) -> Event:
        """The event as it is stored.

        Args:
            event_id: used where none was sent.
            now: seconds since 1970.
        """
        received = datetime.fromtimestamp(now, UTC)
        return Event(
            event_id=self.event_id or event_id,
            user_id=self.user_id,
            movie_id=self.movie_id,
            kind=self.kind,
            at=received if self.at is None else self.at.astimezone(UTC),
            received_at=received,
            rating=self.rating,
            watch_fraction=self.watch_fraction,
            request_id=self.answer_id,
            release=self.release,
            rank=self.rank,
        )


class EventsSent(_Sent):
    """Several events; all of them are stored, or none."""

    events: tuple[EventSent, ...] = Field(min_length=1)


class Stored(BaseModel):
    """What became of events: they are on the disk."""

    stored: int = Field(description="That are new.")
    repeated: int = Field(description="That were there already.")
    refused: int = Field(description="That were left out: their people were erased.")
    event_ids: list[str] = Field(description="Of all, in the order sent.")


class ReleaseTold(BaseModel):
    """The release that an answer comes from."""

    id: str = Field(examples=["2023-12-31-1f9e4ca2"])
    as_of: str | None = Field(description="The moment that it looks from.")
    age_seconds: int = Field(description="Since its run.")
    recommender: str = Field(examples=["ease"])


class Notice(BaseModel):
    """What else is to be said of an answer."""

    code: str = Field(examples=["unknown_user"])
    text: str


class MovieTold(BaseModel):
    """A movie."""

    movie_id: int | str
    title: str
    genres: list[str]
    year: int | None


class OneMovieTold(MovieTold):
    """A movie, and the release that says so."""

    release: ReleaseTold


class ItemTold(MovieTold):
    """A place of a list."""

    rank: int = Field(description="From 1.")
    score: float = Field(description="Estimated probability that the user takes to it, 0 to 1.")
    reason: str
    source: str = Field(description="What placed it: a recommender, serendipity or exploration.")
    badges: list[Literal["exploring", "surprise"]]


class ListAnswer(BaseModel):
    """A list for somebody."""

    answer_id: str = Field(description="Send it back with events about these movies.")
    user_id: str | None
    kind: Literal[
        "stored", "fresh", "cold", "session", "questionnaire", "similar", "popular", "trending"
    ] = Field(description="How the list came to be; `cold`: nothing is known of this person.")
    personal: bool
    release: ReleaseTold
    experiment: str | None = Field(
        description="That the user is in; `holdout` is the permanent one."
    )
    arm: str | None = Field(description="The user's arm of it.")
    notices: list[Notice]
    items: list[ItemTold]


class ProblemTold(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["/problems/not-valid"])
    title: str
    status: int
    detail: str | None = None
    request_id: str


def object_of(**members: Any) -> dict[str, Any]:
    """A JSON schema of an object with these members, each a schema."""
    return {"type": "object", "properties": members, "required": list(members)}
