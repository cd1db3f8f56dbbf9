"""How surprising a figure is after those of earlier weeks."""

import numpy as np
import pytest

from recsys_pipeline.monitoring.steady import departure, surprise

BAR = 0.02 / 60
"""What the correction over the tests of a week leaves, about."""


def test_usual_and_change_are_those_of_the_median() -> None:
    found = surprise(50, [90, 100, 110], spread=0.1)
    assert found is not None
    assert found.usual == pytest.approx(100)
    assert found.change == pytest.approx(-0.5)
    assert found.below + found.above == pytest.approx(1)
    assert found.p == pytest.approx(2 * found.below)


@pytest.mark.parametrize("weeks", [3, 4, 8, 12])
def test_half_of_a_steady_source_is_surprising_after_three_weeks(weeks: int) -> None:
    half = surprise(5_000, [10_000] * weeks, spread=0.1)
    assert half is not None
    assert half.p < BAR


def test_one_broken_week_before_hides_nothing_and_raises_nothing() -> None:
    before = [100, 103, 98, 50, 101, 99, 102]
    half, usual = surprise(50, before, spread=0.1), surprise(100, before, spread=0.1)
    assert half is not None
    assert usual is not None
    assert half.p < BAR
    assert usual.p > 0.5


def test_a_noisy_source_is_left_in_peace() -> None:
    rng = np.random.default_rng(3)
    series = 1_000 * np.exp(rng.normal(0, 0.12, 500))
    found = [surprise(now, series[at : at + 12].tolist(), spread=0.1) for at, now in
             enumerate(series[12:])]  # fmt: skip
    assert sum(each.p < BAR for each in found if each is not None) == 0


def test_few_events_are_less_surprising_than_many() -> None:
    few = surprise(8, [16] * 8, error=1 / np.sqrt(8), spread=0.1)
    many = surprise(8_000, [16_000] * 8, error=1 / np.sqrt(8_000), spread=0.1)
    assert few is not None
    assert many is not None
    assert many.p < BAR < few.p


def test_nothing_after_something_is_certain_and_nothing_is_said_without_weeks() -> None:
    none = surprise(0, [100] * 4, spread=0.1)
    assert none is not None
    assert (none.p, none.change) == (0, -1)
    assert surprise(100, [], spread=0.1) is None
    assert surprise(100, [0.0, 0.0], spread=0.1) is None
    assert surprise(0, [0.0], spread=0.1) is None


def test_a_share_that_was_zero_and_one_that_is_zero_are_judged_like_any_other() -> None:
    failed = departure(1.0, [0.0] * 8, error=0.002, spread=0.05)
    few = departure(0.004, [0.0, 0.0, 0.001, 0.0], error=0.004, spread=0.05)
    gone = departure(0.0, [0.1] * 4, error=0.001, spread=0.05)
    small = departure(0.0, [0.1] * 4, error=0.11, spread=0.05)
    found = [each for each in (failed, few, gone, small) if each is not None]
    assert [each.p < BAR for each in found] == [True, False, True, False]
    assert [each.change for each in found] == [1.0, 0.004, -1.0, -1.0]


def test_nothing_is_said_where_only_zeros_were_seen_and_no_error_is_known() -> None:
    assert departure(0.0, [0.0] * 4, error=0.0, spread=0.05) is None
    assert departure(0.1, [], error=0.01, spread=0.05) is None
