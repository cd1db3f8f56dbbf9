"""Settings of the models of this room."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat


class RecommenderConfig(BaseModel):
    """Settings of a recommender: frozen, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PopularityConfig(RecommenderConfig):
    """Recency-weighted popularity."""

    half_life_days: PositiveFloat | Literal["auto"] | None = Field(
        default="auto",
        description=(
            "Days after which a like counts half. 'auto' is half of the time that the likes span, "
            "so that the oldest counts a quarter; a very long one makes all count alike."
        ),
    )


class RandomConfig(RecommenderConfig):
    """A random order: nothing to set."""


class ItemKnnConfig(RecommenderConfig):
    """Nearest neighbours among movies, by who liked both."""

    similarity: Literal["bm25", "cosine"] = Field(
        default="bm25", description="How two movies are compared."
    )
    neighbours: int = Field(
        default=100, ge=1, description="Most similar movies kept for each movie."
    )
    k1: float = Field(
        default=1.2, ge=0, description="BM25: how soon a higher weight stops to count more."
    )
    b: float = Field(
        default=0.2, ge=0, le=1, description="BM25: how much popular movies are held back."
    )


class EaseConfig(RecommenderConfig):
    """EASE: linear regression of every movie on all others, in closed form."""

    regularization: PositiveFloat | Literal["auto"] = Field(
        default="auto",
        description=(
            "Likes of usual weight that are added to each movie's own; higher trusts pairs less. "
            "'auto' chooses among 125 to 1000 on the window, and is 350 where nothing is chosen."
        ),
    )
    oldest: Annotated[float, Field(gt=0, le=1)] | Literal["auto"] = Field(
        default="auto",
        description=(
            "What a user's oldest like counts against the newest; between them it falls evenly. "
            "'auto' chooses 1 or 0.5 on the window, and is 1 where nothing is chosen."
        ),
    )
    symmetric: bool = Field(
        default=True,
        description=(
            "Leave out the division by each movie's residual variance, which favours popular "
            "movies; better on sparse data."
        ),
    )
    memory_limit_mb: float = Field(
        default=2000.0,
        gt=0,
        description=(
            "Most memory that fitting may need, in megabytes; beyond, an approximation is made "
            "from the strongest factors."
        ),
    )
    rank: int = Field(
        default=512,
        ge=8,
        description="Factors of that approximation; fewer where the memory allows fewer.",
    )

    @property
    def open(self) -> frozenset[str]:
        """Names of the settings that are to be chosen by the data."""
        values = {"regularization": self.regularization, "oldest": self.oldest}
        return frozenset(name for name, value in values.items() if value == "auto")

    @property
    def usual(self) -> "EaseConfig":
        """The same with usual numbers in place of 'auto'."""
        numbers = {"regularization": 350.0, "oldest": 1.0}
        return self.model_copy(update={name: numbers[name] for name in self.open})


class AlsConfig(RecommenderConfig):
    """Alternating least squares on likes (implicit feedback)."""

    factors: int = Field(default=24, ge=1, description="Length of a movie's vector.")
    regularization: float = Field(default=0.05, ge=0, description="Penalty on long vectors.")
    alpha: float = Field(default=1.0, gt=0, description="Confidence of a like of weight 1.")
    iterations: int = Field(default=15, ge=1, description="Rounds over users and movies.")
    threads: int = Field(default=0, ge=0, description="Processor cores to use; 0 is all of them.")


class ContentConfig(RecommenderConfig):
    """Movies like those that the user liked, by their columns."""

    title_weight: float = Field(
        default=0.3, ge=0, description="Weight of the words of the title; genres have 1."
    )
    decade_weight: float = Field(
        default=0.3, ge=0, description="Weight of the decade; genres have 1."
    )
    further_weight: float = Field(
        default=0.3, ge=0, description="Weight of each further column; genres have 1."
    )
    max_words: int = Field(
        default=500, ge=1, description="Words kept of a column of text, the most frequent ones."
    )


class ProfileConfig(RecommenderConfig):
    """What people with such a profile like in movies like that."""

    ridge: float = Field(
        default=10.0, gt=0, description="Penalty on the weight of a pair of features."
    )
    bins: int = Field(default=6, ge=2, description="Most knots for a number, such as age or year.")
    max_parameters: int = Field(
        default=2500,
        ge=4,
        description="Most pairs of a profile feature and a movie feature; bins shrink to fit.",
    )
    max_pairs: int = Field(
        default=1_000_000,
        ge=1,
        description="Most events learned from; beyond, a random sample is drawn.",
    )


class TasteConfig(ProfileConfig):
    """What people with such a profile like, corrected by what this person did."""

    dimensions: int = Field(
        default=24,
        ge=0,
        le=48,
        description="Most directions among movie features in which a person may deviate.",
    )


class SegmentPopularityConfig(RecommenderConfig):
    """Popularity within the user's segment."""

    prior_likes: float = Field(
        default=3.0,
        gt=0,
        description="Likes of a movie in a segment up to which the overall popularity says more.",
    )


class TrendingConfig(RecommenderConfig):
    """What is liked more now than it used to be."""

    recent_share: float = Field(
        default=0.1, gt=0, lt=1, description="Newest share of the likes that counts as now."
    )
    prior_likes: float = Field(
        default=10.0,
        gt=0,
        description="Recent likes up to which a rise may be chance; higher favours large rises.",
    )


class ClustersConfig(RecommenderConfig):
    """What people like who are like this user."""

    n_clusters: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        default="auto",
        description=(
            "Clusters of users; 'auto' is the logarithm (to base 2) of the number of users, so "
            "that each is large enough to know what its members like."
        ),
    )
    factors: int = Field(
        default=32, ge=1, description="Length of the vector that a history becomes."
    )
    prior_likes: float = Field(
        default=3.0,
        gt=0,
        description="Likes of a movie in a cluster up to which the overall popularity says more.",
    )
