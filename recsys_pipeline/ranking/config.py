"""Settings of the second stage: the ranker, the business rules and the order of a list."""

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    model_validator,
)

Id = Annotated[int, Field(strict=True)] | str
Value = StrictBool | StrictInt | StrictFloat | str


class RankerConfig(BaseModel):
    """How candidates are ranked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["boosting", "none"] = Field(
        "boosting", description="The ranker of the two-stage recommender; 'none' leaves it out."
    )
    compare_forest: bool = Field(
        False,
        description="Also train a random forest on the same window, for comparison only.",
    )
    candidates: int = Field(
        30, ge=1, le=5_000, description="Candidates taken from each generator for a user."
    )
    iterations: int = Field(40, ge=1, le=5_000, description="Boosting rounds.")
    learning_rate: float = Field(0.1, gt=0, le=1, description="Shrinkage of a boosting round.")
    max_leaf_nodes: int = Field(15, ge=2, le=1_024, description="Leaves of a tree.")
    min_samples_leaf: int = Field(40, ge=1, description="Pairs in a leaf, at least.")
    negatives: int = Field(
        4,
        ge=1,
        le=1_000,
        description="Where the data hold likes only: pairs drawn as dislikes for each like.",
    )
    max_pairs: int = Field(
        2_000_000, ge=100, description="Labelled pairs beyond which a sample is taken."
    )
    max_users: int = Field(
        4_000, ge=2, description="Users that the ranker learns from at most; beyond, a sample."
    )


class BoostConfig(BaseModel):
    """Movies that are shown more or less readily: by a column's value, or one movie by its id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str | None = Field(None, description="Column of the movies table, such as genres.")
    value: Value | None = Field(
        None, description="Value that the column holds; in a list, one of its texts."
    )
    movie_id: Id | None = Field(None, description="Instead of a column: the id of one movie.")
    factor: float = Field(
        gt=0,
        le=10,
        description=(
            "The estimated probability of these movies is multiplied by it, and is 1 at most."
        ),
    )

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        by_column = self.column is not None and self.value is not None
        by_half = (self.column is None) != (self.value is None)
        if by_half or by_column == (self.movie_id is not None):
            raise ValueError("give either column and value, or movie_id")
        return self


class FilterConfig(BaseModel):
    """Movies by a column: those with one of `values`, or those from `minimum` to `maximum`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str = Field(description="Column of the movies table, such as genres, country or year.")
    values: tuple[Value, ...] | None = Field(
        None, min_length=1, description="Values, of which the movie has at least one."
    )
    minimum: float | None = Field(None, description="Lowest number, inclusive.")
    maximum: float | None = Field(None, description="Highest number, inclusive.")

    @model_validator(mode="after")
    def _values_or_a_range(self) -> Self:
        ranged = self.minimum is not None or self.maximum is not None
        if ranged == (self.values is not None):
            raise ValueError("give either values, or minimum and maximum (one of them is enough)")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is above maximum {self.maximum:g}")
        return self


class RulesConfig(BaseModel):
    """Business rules: what may be in a list. They hold before a list is cut, so lists stay full."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blocked_movies: tuple[Id, ...] = Field((), description="Ids of movies that nobody is shown.")
    blocked_users: tuple[Id, ...] = Field((), description="Ids of users who get no list.")
    only: tuple[FilterConfig, ...] = Field(
        (), description="Only movies that fulfil all of these are shown."
    )
    exclude: tuple[FilterConfig, ...] = Field(
        (), description="Movies that fulfil any of these are not shown."
    )
    boosts: tuple[BoostConfig, ...] = Field(
        (), description="Movies that are shown more (factor above 1) or less readily (below 1)."
    )
    max_per_genre: int | None = Field(
        None,
        ge=1,
        description=(
            "Most movies of one genre in a list; only where nothing else is left it is exceeded."
        ),
    )


class RerankingConfig(BaseModel):
    """The order of a list beyond the probabilities. With all dials at 0 these alone decide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    diversity: float = Field(
        0.1,
        ge=0,
        le=1,
        description="From 0, the most probable movies, to 1, as different movies as possible.",
    )
    method: Literal["mmr", "calibrated"] = Field(
        "mmr",
        description=(
            "What diversity strives for: 'mmr' movies of other genres than those already in the "
            "list, 'calibrated' the genre mix of the user's history."
        ),
    )
    serendipity_slots: int = Field(
        0,
        ge=0,
        le=100,
        description=(
            "Places for movies that the user probably likes but that are neither well known nor "
            "like the history."
        ),
    )
    exploration_slots: int = Field(
        1,
        ge=0,
        le=100,
        description=(
            "Last places of a list that are drawn at random among the user's best movies, rarely "
            "met ones more often; the probability of the draw is kept, to learn from without bias."
        ),
    )
    exploration_pool: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of the catalogue, in the user's own order, out of which is drawn.",
    )
    candidates: int = Field(
        100,
        ge=1,
        le=5_000,
        description="Best movies of a user among which the list is made and explored.",
    )
