"""Settings of the second stage."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


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
        50, ge=1, le=5_000, description="Candidates taken from each generator for a user."
    )
    iterations: int = Field(100, ge=1, le=5_000, description="Boosting rounds.")
    learning_rate: float = Field(0.1, gt=0, le=1, description="Shrinkage of a boosting round.")
    max_leaf_nodes: int = Field(15, ge=2, le=1_024, description="Leaves of a tree.")
    min_samples_leaf: int = Field(40, ge=1, description="Pairs in a leaf, at least.")
    negatives: int = Field(
        10,
        ge=1,
        le=1_000,
        description="Where the data hold likes only: pairs drawn as dislikes for each like.",
    )
    max_pairs: int = Field(
        2_000_000, ge=100, description="Labelled pairs beyond which a sample is taken."
    )
