"""Figures of all lists together, by hand and by invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recsys_pipeline.evaluation.lists import (
    distinct_movies,
    gini,
    list_figures,
    repeated,
    sameness,
    short_lists,
)

LISTS = np.array([[0, 1, 2], [0, 1, -1], [0, 3, 3], [-1, -1, -1]])


def test_by_hand() -> None:
    # Shown 3, 2, 1, 2 and 0 times; ascending 0 1 2 2 3 at weights −4 −2 0 2 4.
    assert gini(LISTS, 5) == pytest.approx((-2 + 4 + 12) / (5 * 8))
    assert distinct_movies(LISTS) == 4
    assert short_lists(LISTS, 3) == 0.5
    assert repeated(LISTS) == 0.25
    # Most shown are 0, 1 and 3: two of three, two of two, three of three; the empty list is out.
    assert sameness(LISTS, 3, 5) == pytest.approx((2 / 3 + 1 + 1) / 3)


def test_every_figure_is_of_the_first_k_places() -> None:
    found = list_figures(LISTS, 2, 5)
    assert set(found) == {
        f"{name}_at_2"
        for name in ("gini", "distinct_movies", "sameness", "short_lists", "repeated")
    }
    assert found["distinct_movies_at_2"] == 3
    assert found["repeated_at_2"] == 0
    assert found["short_lists_at_2"] == 0.25


def test_nothing_shown() -> None:
    empty, nobody = np.full((2, 3), -1), np.empty((0, 3), dtype=np.int32)
    for lists in (empty, nobody):
        assert np.isnan(gini(lists, 5))
        assert np.isnan(sameness(lists, 3, 5))
        assert distinct_movies(lists) == 0
    assert short_lists(empty, 3) == 1
    assert np.isnan(short_lists(nobody, 3))
    assert np.isnan(repeated(nobody))


@given(hnp.arrays(np.int32, st.tuples(st.integers(1, 8), st.just(4)), elements=st.integers(-1, 9)))
def test_invariants(lists: np.ndarray) -> None:
    times = np.bincount(lists[lists >= 0], minlength=10)
    if times.sum():
        spread = np.abs(times[:, None] - times[None]).sum()
        assert gini(lists, 10) == pytest.approx(spread / (2 * 10 * times.sum()))
        alike = np.tile(np.arange(4), (len(lists), 1))
        assert 0 < sameness(lists, 4, 10) <= sameness(alike, 4, 10) == 1
    twice = [len(set(row[row >= 0])) < (row >= 0).sum() for row in lists]
    assert repeated(lists) == pytest.approx(np.mean(twice))
