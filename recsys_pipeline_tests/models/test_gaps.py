"""GapFiller: conditional means by hand, by formula, and what stays as it is."""

import numpy as np
import pytest

from recsys_pipeline.models.gaps import GapFiller

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """Column 0: one feature, 0 or 1; column 1: two features, the first equal to column 0."""
    first = RNG.integers(0, 2, 4000)
    other = RNG.random(4000)
    return np.stack([first, first, other], axis=1).astype(np.float32)


def test_what_is_missing_is_as_expected_from_the_rest(table) -> None:
    known = np.ones((4000, 2), dtype=bool)
    gaps = GapFiller.fit(table, known, (1, 2))
    average = table.mean(axis=0)
    rows = np.array([[0, average[1], average[2]], [1, average[1], average[2]]], dtype=np.float32)
    filled = gaps.fill(rows, np.array([[True, False]] * 2))
    np.testing.assert_allclose(filled[:, 0], [0, 1])
    np.testing.assert_allclose(filled[:, 1], [0, 1], atol=0.03)
    np.testing.assert_allclose(filled[:, 2], 0.5, atol=0.02)
    np.testing.assert_array_equal(rows[:, 1], np.float32(average[1]))


def test_gaps_at_fitting_do_not_weaken_what_is_related(table) -> None:
    known = RNG.random((4000, 2)) < 0.5
    mask = np.repeat(known, (1, 2), axis=1)
    gaps = GapFiller.fit(np.where(mask, table, 0.5).astype(np.float32), known, (1, 2))
    filled = gaps.fill(np.array([[1, 0.5, 0.5]], np.float32), np.array([[True, False]]))
    assert filled[0, 1] > 0.9
    assert (np.linalg.eigvalsh(gaps.covariance) > -1e-9).all()


def test_nothing_known_and_nothing_missing_stay(table) -> None:
    gaps = GapFiller.fit(table, np.ones((4000, 2), dtype=bool), (1, 2))
    assert gaps.fill(table, np.ones((4000, 2), dtype=bool)) is table
    assert gaps.fill(table[:3], np.zeros((3, 2), dtype=bool)).tolist() == table[:3].tolist()


def test_uncertainty_is_the_conditional_covariance(table) -> None:
    gaps = GapFiller.fit(table, np.ones((4000, 2), dtype=bool), (1, 2))
    np.testing.assert_array_equal(gaps.uncertainty(np.array([True, True])), 0)
    np.testing.assert_allclose(gaps.uncertainty(np.array([False, False])), gaps.covariance)
    left = gaps.uncertainty(np.array([True, False]))
    assert left[0].tolist() == [0, 0, 0]
    assert left[1, 1] < 0.02
    assert left[2, 2] == pytest.approx(1 / 12, rel=0.05)


def test_no_columns_at_all() -> None:
    none = np.zeros((5, 0), dtype=np.float32)
    gaps = GapFiller.fit(none, np.zeros((5, 0), dtype=bool), ())
    assert gaps.fill(none, np.zeros((5, 0), dtype=bool)).shape == (5, 0)
    assert gaps.uncertainty(np.zeros(0, dtype=bool)).shape == (0, 0)
