"""LifeConfig: how the people of a world go on living after its first year."""

from pydantic import BaseModel, ConfigDict, Field

from recsys_pipeline.simulation.config import WorldConfig


class LifeConfig(BaseModel):
    """What a life is made from; equal configs and equal lists give equal weeks.

    Raises:
        pydantic.ValidationError: an unknown key, or a value out of its bounds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    world: WorldConfig = Field(
        default=WorldConfig(), description="The first year; its `weeks` are not used."
    )
    places: int = Field(
        default=10, ge=1, le=50, description="Movies of the list that a page shows at once."
    )
    looks: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Share of the sessions in which the user looks at the list; in the others "
        "the user may search.",
    )
    position_bias: float = Field(
        default=1.0,
        ge=0,
        le=5,
        description="Place r is looked at with probability (1 / log2(1 + r)) to this power; 0 "
        "for no bias.",
    )
    attraction: float = Field(
        default=0.42,
        ge=0,
        le=1,
        description="Probability that a movie that is looked at is chosen where the user is sure "
        "to like it and is not tired of it.",
    )
    sharpness: float = Field(
        default=1.5,
        ge=0,
        le=10,
        description="That probability falls as the true probability of a like to this power.",
    )
    attention_spread: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="Users choose more or less readily than others, by at most this share.",
    )
    fatigue: float = Field(
        default=0.03,
        ge=0,
        le=1,
        description="Share of a movie's attraction lost each time that it is shown in vain; a "
        "quarter of the times is forgotten each week.",
    )
    boredom: float = Field(
        default=0.03,
        ge=0,
        le=1,
        description="Share of a genre's attraction lost with each movie of it watched; half of "
        "them are forgotten each week.",
    )
    browses: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="Share of the other sessions in which the user opens a movie met by search or "
        "through friends.",
    )
    plays: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Probability that a movie opened so is watched where the user is sure to "
        "like it.",
    )
    friends: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of these movies that follow what others have watched lately; the rest "
        "is any movie alike.",
    )
    rates: float = Field(
        default=0.3, ge=0, le=1, description="Probability that a movie watched is rated."
    )
    satisfaction_start: float = Field(
        default=0.55, ge=0, le=1, description="Satisfaction of somebody new, from 0 to 1."
    )
    satisfaction_pace: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Share of the way that one look at a list moves the satisfaction: to 1 where "
        "a movie was found and liked, else to 0.",
    )
    pull: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="Sessions gained, as a share, from no satisfaction to all of it; a "
        "satisfaction of a half comes as often as the profile says.",
    )
    leaving: float = Field(
        default=0.0067,
        ge=0,
        le=1,
        description="Probability of leaving in a week with no satisfaction at all.",
    )
    loyalty: float = Field(
        default=0.5,
        ge=0,
        le=20,
        description="That probability falls as exp(−loyalty × satisfaction).",
    )
    taste_change: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of the users who change one of their two preferred genres in a week.",
    )
    taste_surprise: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of these changes to any genre; the others stay among the segment's "
        "three.",
    )
    joining: float = Field(
        default=0.005,
        ge=0,
        le=1,
        description="New users a week, expected, as a share of the first year's users.",
    )
    new_movies: float = Field(
        default=10.0, ge=0, le=100_000, description="New movies a week, expected."
    )
