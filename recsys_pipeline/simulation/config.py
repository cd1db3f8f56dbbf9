"""WorldConfig: the size, the seed and the calendar of a simulated world."""

from datetime import date
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_WEEKS: Final = 5_200
"""How long a world lives after its first year: a hundred years."""

_ROWS_PER_PAIR: Final = 1_000_000
"""Rows in the first year per user and movie: events lie on distinct seconds, with much room."""


class WorldConfig(BaseModel):
    """What a world is made from; equal configs give equal tables.

    Raises:
        pydantic.ValidationError: an unknown key, or a value out of its bounds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    users: int = Field(default=10_000, ge=1, le=10_000_000, description="Number of users.")
    movies: int = Field(default=2_000, ge=1, le=1_000_000, description="Number of movies.")
    interactions: int = Field(
        default=150_000,
        ge=1,
        le=200_000_000,
        description="Interactions in the first year (365 days); later weeks keep that pace.",
    )
    seed: int = Field(
        default=42,
        ge=0,
        le=2**32 - 1,
        description="Seed of everything random; another seed, another world.",
    )
    starts: date = Field(
        default=date(2023, 1, 1),
        ge=date(1970, 1, 1),
        le=date(2100, 1, 1),
        description="First day (UTC). The newest movies are of its year, and the age of a movie "
        "is counted from the year after it.",
    )
    weeks: int = Field(
        default=0,
        ge=0,
        le=MOST_WEEKS,
        description="Weeks lived after the first year where no `as_of` is given.",
    )

    @model_validator(mode="after")
    def _events_find_room(self) -> Self:
        most = self.users * self.movies * _ROWS_PER_PAIR
        if self.interactions > most:
            raise ValueError(
                f"interactions is {self.interactions:,}, but {self.users:,} users and "
                f"{self.movies:,} movies can have at most {most:,}"
            )
        return self
