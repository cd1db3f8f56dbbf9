"""The cuts of a run lie one behind the other and leave nothing out."""

import numpy as np
import pytest

from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.pipeline.cuts import make_cuts, sample_of


def made(run, make_learning, **evaluation):
    return make_cuts(run.cuts.everything, make_learning({"evaluation": evaluation}))


def test_history_window_and_test_follow_one_another(run) -> None:
    cuts = run.cuts
    assert cuts.outer.kind == cuts.inner.kind == "temporal"
    history, window, test = cuts.history.events, cuts.window, cuts.test
    assert history.time.max() < window.time.min()
    assert window.time.max() < test.time.min()
    assert len(history) + len(window) == len(cuts.train.events)
    assert len(cuts.train.events) + len(test) == len(cuts.everything.events)
    assert len(test) / len(cuts.everything.events) == pytest.approx(0.2, abs=0.01)
    assert len(window) / len(cuts.train.events) == pytest.approx(0.2, abs=0.01)


def test_a_cut_is_known_as_of_its_end(run) -> None:
    cuts = run.cuts
    assert cuts.history.as_of == cuts.inner.cut < cuts.train.as_of == cuts.outer.cut
    assert cuts.train.as_of < cuts.everything.as_of == run.as_of


@pytest.mark.parametrize("kind", ["last", "random"])
def test_other_splits_are_complete_too(run, make_learning, kind: str) -> None:
    cuts = made(run, make_learning, split=kind)
    assert cuts.outer.kind == cuts.inner.kind == kind
    assert len(cuts.history.events) + len(cuts.window) + len(cuts.test) == len(
        cuts.everything.events
    )
    assert cuts.train.as_of == run.as_of
    if kind == "random":
        assert len(cuts.test) / len(cuts.everything.events) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("kind", ["temporal", "last", "random"])
def test_equal_settings_equal_cuts(run, make_learning, kind: str) -> None:
    first, second = (made(run, make_learning, split=kind) for _ in range(2))
    np.testing.assert_array_equal(first.outer.test, second.outer.test)
    np.testing.assert_array_equal(first.inner.test, second.inner.test)
    other = make_cuts(
        run.cuts.everything, make_learning({"seed": 7, "evaluation": {"split": kind}})
    )
    assert (other.outer.test == first.outer.test).all() == (kind != "random")


def test_two_moments_are_cut_once_in_time_and_once_at_random(run, make_learning) -> None:
    frame = run.cleaned.interactions
    middle = frame["timestamp"].iloc[len(frame) * 7 // 10]
    times = frame["timestamp"].where(frame["timestamp"] > middle, middle)
    times = times.where(frame["timestamp"] <= middle, frame["timestamp"].max())
    data = build_dataset(
        run.cleaned.users,
        run.cleaned.movies,
        frame.assign(timestamp=times),
        run.learning.likes,
        run.as_of,
    )
    cuts = make_cuts(data, make_learning({"evaluation": {"split": "temporal"}}))
    assert (cuts.outer.kind, cuts.inner.kind) == ("temporal", "random")
    assert len(cuts.window) > 0


def test_a_sample_of_users_is_sorted_distinct_and_the_same_again() -> None:
    users = np.arange(0, 1_000, 3, dtype=np.int32)
    sampled = sample_of(users, 50, 3)
    assert len(sampled) == len(np.unique(sampled)) == 50
    assert (np.diff(sampled) > 0).all()
    assert set(sampled) <= set(users)
    np.testing.assert_array_equal(sampled, sample_of(users, 50, 3))
    assert set(sampled) != set(sample_of(users, 50, 4))
    assert sample_of(users, len(users), 3) is users
