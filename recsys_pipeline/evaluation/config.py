"""Settings of the promotion gate."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PromotionConfig(BaseModel):
    """What a candidate recipe must show before it takes the place of the one in service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["auto", "manual"] = Field(
        "auto",
        description=(
            "'auto' promotes a candidate that passes; 'manual' lets it wait until a person says "
            "yes."
        ),
    )
    margin: float = Field(
        0.005,
        ge=0,
        lt=1,
        description=(
            "Loss on the deciding metric (0 to 1) that still counts as no worse; never more than "
            "a tenth of the figure of the recipe in service."
        ),
    )
    when_equal: Literal["promote", "keep"] = Field(
        "promote",
        description=(
            "What happens to a candidate that is shown to be no worse, and not shown to be better: "
            "'promote' takes it, 'keep' leaves the recipe in service."
        ),
    )
    segment_floor: float = Field(
        0.05,
        ge=0,
        lt=1,
        description=(
            "Largest loss on the deciding metric that a group of users may show; a group blocks "
            "where it loses more and its whole interval is below 0. Never more than a quarter of "
            "the group's figure in service."
        ),
    )
    coverage_floor: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the catalogue coverage in service that a candidate must keep.",
    )
    short_lists: float = Field(
        0.01,
        ge=0,
        le=1,
        description=(
            "By how much the share of users with too short a list may exceed that in service."
        ),
    )
    sameness: float | None = Field(
        None,
        gt=0,
        le=1,
        description=(
            "Largest share of a list that may be among the movies shown most, on average; without "
            "a value there is no limit."
        ),
    )
