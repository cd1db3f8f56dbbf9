"""Distances and tests of two shapes, by hand and by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from recsys_pipeline.monitoring.distance import (
    NOTHING,
    changed_p,
    difference,
    missing_difference,
)
from recsys_pipeline.monitoring.shapes import Shape


def texts(counts: dict[str, int], **others: int) -> Shape:
    size = sum(counts.values())
    return Shape(
        rows=size, missing=0, edges=(), values=tuple(counts), counts=tuple(counts.values()),
        units=size, **others,
    )  # fmt: skip


def test_the_statistic_is_pearsons_and_the_distance_that_of_jensen_and_shannon() -> None:
    found = difference(texts({"a": 40, "b": 60}), texts({"b": 30, "a": 70}))
    expected = chi2_contingency([[40, 60], [70, 30]], correction=False)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.freedom == 1
    # With a million units behind it the F distribution is that of χ².
    assert replace(found, units=10**6).p() == pytest.approx(expected.pvalue, rel=1e-3)
    # By hand: m = (.55, .45); half of each Kullback-Leibler divergence from it, in bits; its root.
    assert found.distance == pytest.approx(0.2582, abs=1e-4)


def test_nothing_in_common_is_one_and_alike_is_nought() -> None:
    assert difference(texts({"a": 50}), texts({"b": 50})).distance == pytest.approx(1)
    alike = difference(texts({"a": 50, "b": 50}), texts({"a": 5, "b": 5}))
    assert (alike.distance, alike.statistic) == pytest.approx((0, 0))


def test_a_text_that_one_side_does_not_list_counts_with_its_rest() -> None:
    now, then = texts({"a": 50, "b": 50}), texts({"a": 50}, rest=50)
    assert difference(now, then).statistic == pytest.approx(0)


def test_cells_with_few_values_are_counted_as_one() -> None:
    rare = {str(number): 1 for number in range(8)}
    assert difference(texts({"a": 50, **rare}), texts({"a": 50, **rare})).freedom == 1


def test_what_cannot_be_compared_is_not() -> None:
    one = Shape.of_numbers(np.arange(10.0))
    assert difference(one, Shape.of_numbers(np.arange(20.0))) == NOTHING
    assert difference(one, texts({"a": 10})) == NOTHING
    assert difference(texts({}), texts({"a": 1})) == NOTHING
    assert NOTHING.p() == 1


def test_missing_values_are_two_cells() -> None:
    none = Shape(rows=100, missing=0, edges=(), values=("a",), counts=(100,), units=100)
    assert missing_difference(none, none) == NOTHING
    found = missing_difference(replace(none, missing=20, counts=(80,)), none)
    expected = chi2_contingency([[20, 80], [0, 100]], correction=False)
    assert found.statistic == pytest.approx(expected.statistic)


def test_weeks_that_differ_anyway_raise_the_bar() -> None:
    found = difference(texts({"a": 400, "b": 600}), texts({"a": 500, "b": 500}))
    assert found.p() < 1e-4
    assert found.p([20.0] * 8) > 0.05
    assert found.p([0.4] * 8) == found.p()


def test_changed_rows_are_held_against_the_usual_ones() -> None:
    assert changed_p(0, 100, 0, 100) == pytest.approx(1)
    assert changed_p(50, 100, 1, 100) < 1e-10
    assert changed_p(50, 100, 45, 100) > 0.2
    assert changed_p(0, 0, 1, 100) == 1


def test_users_whose_values_hang_together_raise_no_more_alarms_than_chance() -> None:
    rng = np.random.default_rng(5)
    ours, naive = [], []
    edges: tuple[float, ...] | None = None
    for _ in range(150):
        pair = []
        for _ in range(2):
            user = np.repeat(np.arange(300), rng.poisson(6 * rng.exponential(size=300)))
            value = rng.normal(size=len(user)) + rng.normal(size=300)[user]
            pair.append(Shape.of_numbers(value, user, edges))
            edges = pair[-1].edges
        ours.append(difference(*pair).p() if pair[0].edges == pair[1].edges else 1.0)
        alone = [replace(shape, design=1.0, variation=0.0) for shape in pair]
        naive.append(difference(*alone).p())
    assert np.mean(np.array(ours) < 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)
    assert np.mean(np.array(ours) < 0.3) > 0.2
    assert np.mean(np.array(naive) < 0.05) > 0.3
