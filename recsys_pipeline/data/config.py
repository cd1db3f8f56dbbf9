"""Which interactions count as likes, and by how much."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat


class WeightsConfig(BaseModel):
    """What makes one interaction count more than another; all weights are multiplied."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_types: dict[str, NonNegativeFloat] = Field(
        default={},
        description=(
            "Weight of each event type, such as {purchase = 3, view = 0.5}. A type that is not "
            "named has 1. With 0 an event is no like, but its movie counts as seen."
        ),
    )
    half_life_days: PositiveFloat | None = Field(
        default=None,
        description=(
            "Days after which an interaction counts half, counted back from the newest one; "
            "without a value all count alike."
        ),
    )
    liked_by: Literal["none", "rating", "watched"] = Field(
        default="none",
        description=(
            "What weighs an interaction where likes are told apart: 'rating' or 'watched' (share "
            "of the movie), as for positive = 'all'; 'none' lets all likes count alike."
        ),
    )


class LikesConfig(BaseModel):
    """Which interactions count as likes, and by how much."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    positive: Literal["auto", "liked", "rating", "watched", "all"] = Field(
        "auto",
        description=(
            "What counts as a like: 'liked' where that column is 1, 'rating' at or above "
            "min_rating, 'watched' at or above min_watched, 'all' interactions, weighted by "
            "rating or share watched; 'auto' takes 'liked' where the column exists, else 'all'."
        ),
    )
    min_rating: float = Field(
        4.0, ge=0.5, le=5, description="Lowest rating that is a like when positive = 'rating'."
    )
    min_watched: float = Field(
        0.5, gt=0, le=1, description="Least share watched that is a like when positive = 'watched'."
    )
    lowest_weight: float = Field(
        0.3,
        gt=0,
        le=1,
        description=(
            "Weight of the lowest rating (or share watched) where it weighs a like; the highest "
            "has weight 1."
        ),
    )
    weights: WeightsConfig = WeightsConfig()
