"""WorldConfig: defaults, bounds, and what it refuses."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from recsys_pipeline.simulation import WorldConfig


def test_the_default_is_the_world_of_the_notebook() -> None:
    assert WorldConfig().model_dump() == {
        "users": 10_000,
        "movies": 2_000,
        "interactions": 150_000,
        "seed": 42,
        "starts": date(2023, 1, 1),
        "weeks": 0,
    }


def test_every_field_says_what_it_is() -> None:
    assert all(field.description for field in WorldConfig.model_fields.values())


@pytest.mark.parametrize(
    "values",
    [
        {"users": 0},
        {"movies": 0},
        {"interactions": 0},
        {"users": 10_000_001},
        {"movies": 1_000_001},
        {"interactions": 200_000_001},
        {"seed": -1},
        {"starts": date(1969, 12, 31)},
        {"starts": date(2100, 1, 2)},
        {"weeks": -1},
        {"weeks": 5_201},
        {"user": 5},
    ],
)
def test_values_out_of_bounds_and_unknown_keys_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(values))):
        WorldConfig(**values)


def test_more_events_than_pairs_can_have_are_refused() -> None:
    WorldConfig(users=1, movies=1, interactions=1_000_000)
    with pytest.raises(ValidationError, match="can have at most 1,000,000"):
        WorldConfig(users=1, movies=1, interactions=1_000_001)


def test_a_config_does_not_change() -> None:
    with pytest.raises(ValidationError):
        WorldConfig().users = 5
