"""The choice rule of a life: places looked at, pages shown, and what is chosen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from recsys_pipeline.simulation import LifeConfig
from recsys_pipeline.simulation.life_choices import choosing, examination, page


def test_places_further_down_are_looked_at_less() -> None:
    np.testing.assert_allclose(examination(4, 1.0), [1, 0.6309298, 0.5, 0.4306766], rtol=1e-6)
    np.testing.assert_allclose(examination(3, 2.0), [1, 0.3980724, 0.25], rtol=1e-6)
    assert examination(3, 0.0).tolist() == [1, 1, 1]


@settings(derandomize=True, max_examples=50, deadline=None)
@given(
    there=hnp.arrays(bool, st.tuples(st.integers(0, 5), st.integers(0, 12))),
    places=st.integers(1, 13),
)
def test_a_page_is_the_first_open_places_of_each_list(
    there: np.ndarray[tuple[int, int], np.dtype[np.bool_]], places: int
) -> None:
    expected = [
        (row, column, place)
        for row, columns in enumerate(there)
        for place, column in enumerate(np.flatnonzero(columns)[:places].tolist())
    ]
    got = zip(*(each.tolist() for each in page(there, places)), strict=True)
    assert list(got) == expected


def test_what_a_movie_is_chosen_with() -> None:
    config = LifeConfig(
        attraction=0.5, sharpness=2.0, fatigue=0.1, boredom=0.2, position_bias=1.0, places=3
    )
    got = choosing(
        config,
        place=np.array([0, 1, 2, 0]),
        like=np.array([1.0, 0.8, 0.5, 0.0]),
        attention=np.array([1.0, 1.1, 0.9, 1.0]),
        shown_before=np.array([0, 2, 0, 0], dtype=np.uint8),
        genre_watched=np.array([0, 1, 0.5, 0], dtype=np.float32),
    )
    expected = [
        0.5,
        0.6309298 * 0.5 * 0.64 * 1.1 * 0.81 * 0.8,
        0.5 * 0.5 * 0.25 * 0.9 * 0.8**0.5,
        0.0,
    ]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_nobody_is_surer_than_sure() -> None:
    eager = LifeConfig(attraction=1.0, attention_spread=1.0)
    args = np.array([1.0]), np.array([2.0]), np.zeros(1, np.uint8), np.zeros(1, np.float32)
    assert choosing(eager, np.array([2]), *args).tolist() == [0.5]


@pytest.mark.parametrize("key", ["looks", "fatigue", "rates", "leaving"])
def test_a_share_is_at_most_one(key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        LifeConfig(**{key: 1.1})
